// The faults that a tunnel survives with a backend on this host.
#pragma once

#include <chrono>
#include <string>

namespace holdfast {

/// Whether the tunnel is up again after an event: never, at the next login, within a time, or at once.
struct Survival {
  enum class Kind { no, at_login, within, yes } kind = Kind::no;
  std::chrono::seconds bound{0};  ///< only for `within`

  /// "yes", "no", "at-login", "within:60s": the JSON value.
  [[nodiscard]] std::string text() const;
  bool operator==(const Survival&) const = default;
};

struct Survives {
  Survival crash;  ///< of the supervisor, as by SIGKILL
  Survival logout;
  Survival reboot;
  bool operator==(const Survives&) const = default;
};

}  // namespace holdfast
