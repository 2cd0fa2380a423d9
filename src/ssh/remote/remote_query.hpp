// Asks the bastion which process serves the login of a preflight. Heavy (Asio): private to preflight.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "ssh/preflight/preflight.hpp"
#include "ssh/remote/remote_session.hpp"

#include <boost/asio/io_context.hpp>

#include <optional>

namespace holdfast::ssh {

/// Runs the context until the answer comes, 10 s at most. Nothing when there is none: the key may not run commands. An
/// Error when ssh could not be started.
[[nodiscard]] Result<std::optional<RemoteSession>> query_remote_session(boost::asio::io_context& context,
                                                                        os::Host& host, const Tunnel& tunnel,
                                                                        const PreflightRequest& request,
                                                                        const fs::path& control);

}  // namespace holdfast::ssh
