// The socket addresses of a forward's target on this machine.
#pragma once

#include "core/forward.hpp"

#include <string>
#include <vector>

namespace holdfast::os {

/// The bytes of a sockaddr, for connect(2).
using SocketAddress = std::string;

/// The addresses of `target` in the order to try them: 127.0.0.1, then ::1 for "localhost", as ssh does. Empty for any
/// other host name, because this static program has no resolver, and for a socket path that is too long.
[[nodiscard]] std::vector<SocketAddress> socket_addresses(const End& target);

}  // namespace holdfast::os
