// Two tools for the tests, and messages of a client.
#pragma once

#include "mcp/session.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mcp::test {

namespace json = boost::json;

inline Answer sample_answer(const Result<os::Completed>& completed) {
  if (!completed) return {json::serialize(json::object{{"said", completed.error().line()}}), true};
  return {json::serialize(json::object{{"said", completed->out}}), completed->exit_code != 0};
}

inline const std::vector<Tool>& sample_tools() {
  using Type = Parameter::Type;
  static const std::vector<Tool> tools{
      {.name = "look",
       .title = "Look",
       .description = "looks",
       .command = {"look", "--json"},
       .parameters = {{.name = "port", .type = Type::number, .option = "port", .lowest = 1, .highest = 65535},
                      {.name = "name"},
                      {.name = "whose", .type = Type::choice_of_flag, .choices = {"user", "system"}}},
       .hints = {.read_only = true},
       .output_schema = R"({"type": "object"})",
       .answer = sample_answer},
      {.name = "make",
       .title = "Make",
       .description = "makes",
       .command = {"make"},
       .parameters = {{.name = "port",
                       .type = Type::number_or_text,
                       .option = "port",
                       .required = true,
                       .lowest = 1,
                       .highest = 65535},
                      {.name = "more", .type = Type::texts, .option = "more"},
                      {.name = "engine", .option = "engine", .choices = {"native", "autossh"}},
                      {.name = "dry", .type = Type::flag, .option = "dry-run"}},
       .output_schema = R"({"type": "object"})",
       .answer = sample_answer}};
  return tools;
}

/// A session with the sample tools.
class Talk {
 public:
  Talk() : session({"holdfast", "Holdfast", "1.2.3", "look first"}, sample_tools()) {}

  Reaction say(std::string_view line) { return session.on_line(line); }

  /// The only line of the answer.
  json::object ask(std::string_view line) {
    const auto reaction = say(line);
    if (reaction.lines.size() != 1) throw std::runtime_error(fmt::format("{} lines", reaction.lines.size()));
    return json::parse(reaction.lines.front()).as_object();
  }

  json::object initialize(std::string_view version) {
    return ask(fmt::format(
        R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{}","capabilities":{{}},)"
        R"("clientInfo":{{"name":"test","version":"1"}}}}}})",
        version));
  }

  Session session;
};

inline std::int64_t error_code(const json::object& message) { return message.at("error").at("code").as_int64(); }

inline std::string call(std::string_view id, std::string_view tool, std::string_view arguments,
                        std::string_view meta = "{}") {
  return fmt::format(
      R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":{},"_meta":{}}}}})", id,
      tool, arguments, meta);
}

}  // namespace holdfast::mcp::test
