// Serves a session on two descriptors and runs each call as a child process of holdfast.
#pragma once

#include "mcp/session.hpp"

#include <boost/filesystem/path.hpp>

#include <functional>
#include <string_view>

namespace holdfast::mcp {

struct Endpoints {
  int in;                           ///< messages of the client
  int out;                          ///< messages of the server, and nothing else
  boost::filesystem::path program;  ///< holdfast, which runs the tools
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

/// Serves until the client disconnects. At the end of its input, running calls complete and are answered. When it stops
/// reading, or on SIGTERM, SIGHUP or SIGINT, running calls get SIGINT and have 30 s to undo their work; after that they
/// continue in their own sessions. Returns ExitStatus::interrupted for SIGINT.
[[nodiscard]] Result<ExitStatus> serve(Session& session, const Endpoints& endpoints);

}  // namespace holdfast::mcp
