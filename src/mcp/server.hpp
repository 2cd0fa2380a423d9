// The loop around a session: lines from one descriptor, lines to another, a child of our own program for each call.
#pragma once

#include "mcp/session.hpp"

#include <boost/filesystem/path.hpp>

#include <functional>
#include <string_view>

namespace holdfast::mcp {

struct Endpoints {
  int in;                           ///< the client's words
  int out;                          ///< ours; nothing else may be written there
  boost::filesystem::path program;  ///< carries the tools out
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

/// Serves until the client is gone. The end of its words lets the calls that were begun come to their end and be
/// answered. A closed reader, or SIGTERM, SIGHUP or SIGINT, interrupts them with SIGINT, and waits for them to unwind,
/// 30 s at most; they are sessions of their own and end by themselves. Returns interrupted for SIGINT.
[[nodiscard]] Result<ExitStatus> serve(Session& session, const Endpoints& endpoints);

}  // namespace holdfast::mcp
