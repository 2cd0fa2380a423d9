#include "cli/mcp/tools.hpp"

#include "cli/output/answers_json.hpp"
#include "core/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <optional>

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// `text`, line by line fit for JSON and for a terminal.
std::string readable(std::string_view text) {
  std::string out;
  for (const auto& line : split(text, '\n')) out += (out.empty() ? "" : "\n") + printable(line);
  return out;
}

std::optional<json::object> read_object(const std::string& text) {
  boost::system::error_code unreadable;
  auto value = json::parse(text, unreadable);
  if (unreadable || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

/// The Error of a command that ended without a word of its own: a signal ended it.
Error silent_end(const os::Completed& completed) {
  constexpr std::array k_interrupted{130, 143, 129};  // 128 + SIGINT, SIGTERM, SIGHUP
  for (const int code : k_interrupted)
    if (completed.exit_code == code) return {"", "interrupted", "", "", ExitStatus::interrupted};
  return {"carrying out", "the command", fmt::format("it ended with {} and gave no answer", completed.exit_code)};
}

json::value error_value(const Error& error) { return read_object(error_json(error))->at("error"); }

/// A result in the making.
struct Outcome {
  json::object result;
  std::optional<json::object> said;  ///< the command's JSON; nothing where it failed, or printed none

  explicit Outcome(const Result<os::Completed>& completed) {
    if (!completed) {
      const auto& error = completed.error();
      begin(static_cast<int>(error.status), "", error.line());
      result["error"] = error_value(error);
      return;
    }
    begin(completed->exit_code, completed->out, completed->err);
    said = read_object(completed->out);
    if (said && said->contains("error") && !said->at("error").is_null())
      result["error"] = said->at("error");
    else if (!said)
      result["error"] = error_value(silent_end(*completed));
    if (has_failed()) said.reset();
  }

  [[nodiscard]] bool has_failed() const { return !result.at("error").is_null(); }

  /// The value of `key` in what the command said; null where it said none.
  [[nodiscard]] json::value take(std::string_view key) {
    auto* value = said ? said->if_contains(key) : nullptr;
    return value == nullptr ? json::value(nullptr) : std::move(*value);
  }

  [[nodiscard]] json::value take_all() { return said ? json::value(std::move(*said)) : json::value(nullptr); }

  [[nodiscard]] mcp::Answer finish() const { return {json::serialize(result), has_failed()}; }

 private:
  void begin(int status, std::string_view out, std::string_view err) {
    result = {{"success", status == 0},
              {"exit_status", status},
              {"stdout", readable(out)},
              {"stderr", readable(err)},
              {"error", nullptr}};
  }
};

/// A result that has one thing of what the command said, under the same key.
mcp::Answer answer_with(std::string_view key, const Result<os::Completed>& completed) {
  Outcome outcome(completed);
  outcome.result[key] = outcome.take(key);
  return outcome.finish();
}

/// The slots of a tunnel's history are there to be drawn; a model reads the sums. True when there were any.
bool drop_slots(json::object& said) {
  bool dropped = false;
  auto* tunnels = said.if_contains("tunnels");
  if (tunnels == nullptr || !tunnels->is_array()) return false;
  for (auto& tunnel : tunnels->get_array()) {
    auto* history = tunnel.is_object() ? tunnel.get_object().if_contains("history") : nullptr;
    if (history == nullptr || !history->is_object()) continue;
    for (auto& [span, part] : history->get_object())
      if (part.is_object()) dropped = part.get_object().erase("slots") > 0 || dropped;
  }
  return dropped;
}

}  // namespace

mcp::Answer tunnels_answer(const Result<os::Completed>& completed) {
  Outcome outcome(completed);
  if (outcome.said && drop_slots(*outcome.said)) outcome.result["stdout"] = json::serialize(*outcome.said);
  outcome.result["tunnels"] = outcome.take("tunnels");
  return outcome.finish();
}

mcp::Answer remove_answer(const Result<os::Completed>& completed) { return answer_with("removed", completed); }
mcp::Answer logs_answer(const Result<os::Completed>& completed) { return answer_with("lines", completed); }

mcp::Answer setup_answer(const Result<os::Completed>& completed) {
  Outcome outcome(completed);
  const bool is_plan = outcome.said && outcome.said->contains("plan");
  outcome.result["plan"] = outcome.take("plan");
  outcome.result["changed"] = is_plan ? json::value(false) : outcome.take("changed");
  if (outcome.said) outcome.said->erase("changed");
  outcome.result["tunnel"] = is_plan ? json::value(nullptr) : outcome.take_all();
  return outcome.finish();
}

mcp::Answer doctor_answer(const Result<os::Completed>& completed) {
  Outcome outcome(completed);
  outcome.result["findings"] = outcome.take_all();
  return outcome.finish();
}

}  // namespace holdfast::cli
