// Asks a login of preflight's which process it is on the bastion. Heavy (Asio): only preflight includes it.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "ssh/preflight/preflight.hpp"
#include "ssh/remote/remote_session.hpp"

#include <boost/asio/io_context.hpp>

#include <optional>

namespace holdfast::ssh {

/// Runs the context for 10 s at most, until the answer is there. Nothing when the key may run no command, or was not
/// answered; an Error when ssh could not be started.
[[nodiscard]] Result<std::optional<RemoteSession>> ask_remote_session(boost::asio::io_context& context, os::Host& host,
                                                                      const Tunnel& tunnel,
                                                                      const PreflightRequest& request,
                                                                      const fs::path& control);

}  // namespace holdfast::ssh
