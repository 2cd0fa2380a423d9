// Notifies the service manager that started this process: sd_notify(3).
#pragma once

#include "os/host.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::supervisor {

/// Escapes control characters, so that no line break can start another assignment.
[[nodiscard]] std::string status_assignment(std::string_view text);

class ServiceManager {
 public:
  /// From NOTIFY_SOCKET and WATCHDOG_USEC (if WATCHDOG_PID is unset or this process). Without them every call does
  /// nothing.
  explicit ServiceManager(const os::Host& host);

  [[nodiscard]] bool is_there() const noexcept { return !socket_.empty(); }

  void ready() const { send("READY=1"); }
  void stopping() const { send("STOPPING=1"); }
  void status(std::string_view text) const { send(status_assignment(text)); }
  void alive() const { send("WATCHDOG=1"); }

  /// How often alive() is due: half of the manager's limit. Empty when there is none.
  [[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_interval() const noexcept { return interval_; }

 private:
  void send(std::string_view message) const;

  std::string socket_;
  std::optional<std::chrono::milliseconds> interval_;
};

}  // namespace holdfast::supervisor
