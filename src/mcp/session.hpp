// The Model Context Protocol's server side as a pure machine: lines in, what is to be done about them out. It starts
// nothing and writes nothing. https://modelcontextprotocol.io/specification, JSON-RPC 2.0.
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

/// One call of a tool, from the request to its answer; never used twice.
using CallId = std::uint64_t;

/// A tool is to be carried out: our own program with these words.
struct Start {
  CallId call = 0;
  const Tool* tool = nullptr;
  std::vector<std::string> words;
};

/// What is to be done, the lines first. A line has no line break in it and none at its end.
struct Reaction {
  std::vector<std::string> lines;
  std::vector<Start> starts;
  std::vector<CallId> cancels;  ///< of calls that were started and are not done; they will not be answered
};

/// What the server says of itself.
struct Introduction {
  std::string_view name;
  std::string_view title;
  std::string_view version;
  std::string_view instructions;  ///< for the model: what the tools are for
};

/// The versions of the protocol that are spoken, oldest first.
[[nodiscard]] std::span<const std::string_view> protocol_versions() noexcept;

class Session {
 public:
  /// `tools` must outlive it.
  Session(Introduction introduction, std::span<const Tool> tools);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// A line from the client, whatever it holds.
  [[nodiscard]] Reaction on_line(std::string_view line);
  /// A line that was longer than is read; it was dropped.
  [[nodiscard]] Reaction on_overlong_line(std::size_t limit);
  /// The call tells what it is doing: sent on, if the client asked for that.
  [[nodiscard]] Reaction on_progress(CallId call, std::string_view message);
  /// The call has ended, or could not be started. A call that was cancelled must end here too, and says nothing.
  [[nodiscard]] Reaction on_done(CallId call, const Result<os::Completed>& completed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::mcp
