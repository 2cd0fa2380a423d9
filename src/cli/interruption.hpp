// Ctrl-C, SIGTERM and SIGHUP as a flag to check between steps.
#pragma once

#include "core/result.hpp"

#include <csignal>

#include <array>

namespace holdfast::cli {

/// While it exists, SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process, and interrupt a sleep. A
/// signal that was ignored (nohup) stays ignored.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  [[nodiscard]] static bool is_requested() noexcept;
  /// The Error of ExitStatus::interrupted after such a signal.
  [[nodiscard]] static Result<> check();

 private:
  static constexpr std::array k_signals{SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, k_signals.size()> previous_{};
};

}  // namespace holdfast::cli
