// Ports of 127.0.0.1.
#pragma once

#include "core/result.hpp"

#include <cstdint>

namespace holdfast::os {

/// A port that was free a moment ago.
[[nodiscard]] Result<std::uint16_t> find_free_loopback_port();

/// Whether a process accepts connections there now.
[[nodiscard]] bool accepts_connections(std::uint16_t port);

/// Keeps the kernel from giving a port to another process that asks for any free one, also while the server there
/// restarts. A server with SO_REUSEADDR, such as sshd, can listen on it meanwhile: socket(7).
class LoopbackPortReservation {
 public:
  /// Does nothing if the port is taken.
  explicit LoopbackPortReservation(std::uint16_t port);
  ~LoopbackPortReservation();
  LoopbackPortReservation(const LoopbackPortReservation&) = delete;
  LoopbackPortReservation& operator=(const LoopbackPortReservation&) = delete;

 private:
  int socket_;
};

}  // namespace holdfast::os
