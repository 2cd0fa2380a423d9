// The server side of the Model Context Protocol as a pure state machine: it turns lines into reactions.
// https://modelcontextprotocol.io/specification, JSON-RPC 2.0.
#pragma once

#include "core/result.hpp"
#include "mcp/tool.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mcp {

/// Identifies one call of a tool; never reused.
using CallId = std::uint64_t;

/// Run holdfast with these arguments.
struct Start {
  CallId call = 0;
  const Tool* tool = nullptr;
  std::vector<std::string> arguments;
};

/// The actions for the server, in this order. Lines contain no line breaks.
struct Reaction {
  std::vector<std::string> lines;
  std::vector<Start> starts;
  std::vector<CallId> cancels;  ///< running calls, which get no answer
};

/// Describes the server to clients.
struct Introduction {
  std::string_view name;
  std::string_view title;
  std::string_view version;
  std::string_view instructions;  ///< for the model: the purpose of the tools
};

/// The supported versions of the protocol, oldest first.
[[nodiscard]] std::span<const std::string_view> protocol_versions() noexcept;

class Session {
 public:
  /// `tools` must outlive it.
  Session(Introduction introduction, std::span<const Tool> tools);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// A line from the client; it may be invalid.
  [[nodiscard]] Reaction on_line(std::string_view line);
  /// A line beyond the limit was dropped.
  [[nodiscard]] Reaction on_overlong_line(std::size_t limit);
  /// A progress message of a call, sent to the client if it asked for progress.
  [[nodiscard]] Reaction on_progress(CallId call, std::string_view message);
  /// The call ended or could not start. Required for a cancelled call too, which gets no answer.
  [[nodiscard]] Reaction on_done(CallId call, const Result<os::Completed>& completed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::mcp
