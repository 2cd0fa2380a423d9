// Ctrl-C, a hangup or a request to end, as something to look at between steps.
#pragma once

#include "core/result.hpp"

#include <csignal>

#include <array>

namespace holdfast::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP do not end the process but are remembered; a sleep is cut short. One that
/// was ignored (nohup) stays ignored.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  [[nodiscard]] static bool is_requested() noexcept;
  /// The Error that says so, when it is.
  [[nodiscard]] static Result<> check();

 private:
  static constexpr std::array k_signals{SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, k_signals.size()> previous_{};
};

}  // namespace holdfast::cli
