#include "cli/mcp/tools.hpp"

#include "cli/output/answers_json.hpp"
#include "core/json.hpp"

#include <boost/json.hpp>

#include <fmt/format.h>

#include <array>
#include <optional>

namespace holdfast::cli {

namespace json = boost::json;
namespace {

std::optional<json::object> read_object(const std::string& text) {
  boost::system::error_code unreadable;
  auto value = json::parse(text, unreadable);
  if (unreadable || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

/// The Error of a command that printed no JSON, because a signal ended it.
Error error_without_answer(const os::Completed& completed) {
  constexpr std::array k_interrupted{130, 143, 129};  // 128 + SIGINT, SIGTERM, SIGHUP
  for (const int code : k_interrupted)
    if (completed.exit_code == code) return {"", "interrupted", "", "", ExitStatus::interrupted};
  return {"running", "the command", fmt::format("it exited with {} and printed no answer", completed.exit_code)};
}

json::value error_value(const Error& error) { return read_object(error_json(error))->at("error"); }

/// A tool's result, made from a completed command.
struct ToolResult {
  json::object result;
  std::optional<json::object> answer;  ///< the JSON of a successful command

  explicit ToolResult(const Result<os::Completed>& completed) {
    if (!completed) {
      const auto& error = completed.error();
      begin(static_cast<int>(error.status), "", error.line());
      result["error"] = error_value(error);
      return;
    }
    answer = read_object(completed->out);
    begin(completed->exit_code, answer ? std::string() : completed->out, completed->err);  // the data comes once
    if (answer && answer->contains("error") && !answer->at("error").is_null())
      result["error"] = answer->at("error");
    else if (!answer)
      result["error"] = error_value(error_without_answer(*completed));
    if (has_failed()) answer.reset();
  }

  [[nodiscard]] bool has_failed() const { return !result.at("error").is_null(); }

  /// Moves the value of `key` out of the command's JSON; null when there is none.
  [[nodiscard]] json::value take(std::string_view key) {
    auto* value = answer ? answer->if_contains(key) : nullptr;
    return value == nullptr ? json::value(nullptr) : std::move(*value);
  }

  [[nodiscard]] json::value take_all() { return answer ? json::value(std::move(*answer)) : json::value(nullptr); }

  [[nodiscard]] mcp::Answer finish() const { return {json::serialize(result), has_failed()}; }

 private:
  void begin(int status, std::string_view out, std::string_view err) {
    result = {{"success", status == 0},
              {"exit_status", status},
              {"stdout", json_lines(out)},
              {"stderr", json_lines(err)},
              {"error", nullptr}};
  }
};

/// A result with one value of the command's JSON, under the same key.
mcp::Answer answer_with(std::string_view key, const Result<os::Completed>& completed) {
  ToolResult tool(completed);
  tool.result[key] = tool.take(key);
  return tool.finish();
}

/// Removes the slots of the uptime charts: an agent needs only the sums.
void drop_slots(json::object& answer) {
  auto* tunnels = answer.if_contains("tunnels");
  if (tunnels == nullptr || !tunnels->is_array()) return;
  for (auto& tunnel : tunnels->get_array()) {
    auto* history = tunnel.is_object() ? tunnel.get_object().if_contains("history") : nullptr;
    if (history == nullptr || !history->is_object()) continue;
    for (auto& [span, part] : history->get_object())
      if (part.is_object()) part.get_object().erase("slots");
  }
}

}  // namespace

mcp::Answer tunnels_answer(const Result<os::Completed>& completed) {
  ToolResult tool(completed);
  if (tool.answer) drop_slots(*tool.answer);
  tool.result["tunnels"] = tool.take("tunnels");
  return tool.finish();
}

mcp::Answer remove_answer(const Result<os::Completed>& completed) { return answer_with("removed", completed); }
mcp::Answer logs_answer(const Result<os::Completed>& completed) { return answer_with("lines", completed); }

mcp::Answer setup_answer(const Result<os::Completed>& completed) {
  ToolResult tool(completed);
  const bool is_plan = tool.answer && tool.answer->contains("plan");
  tool.result["plan"] = tool.take("plan");
  tool.result["changed"] = is_plan ? json::value(false) : tool.take("changed");
  if (tool.answer) tool.answer->erase("changed");
  tool.result["tunnel"] = is_plan ? json::value(nullptr) : tool.take_all();
  return tool.finish();
}

mcp::Answer doctor_answer(const Result<os::Completed>& completed) {
  ToolResult tool(completed);
  tool.result["findings"] = tool.take_all();
  return tool.finish();
}

}  // namespace holdfast::cli
