// What a backend outlives on this host.
#pragma once

#include <chrono>
#include <string>

namespace holdfast {

/// yes, no, at the next login, or within a bounded time (a watchdog's period).
struct Survival {
  enum class Kind { no, at_login, within, yes } kind = Kind::no;
  std::chrono::seconds bound{0};  ///< only for `within`

  /// "yes", "no", "at-login", "within:60s": the JSON value.
  [[nodiscard]] std::string text() const;
  bool operator==(const Survival&) const = default;
};

struct Survives {
  Survival crash;  ///< the supervisor is SIGKILLed
  Survival logout;
  Survival reboot;
  bool operator==(const Survives&) const = default;
};

}  // namespace holdfast
