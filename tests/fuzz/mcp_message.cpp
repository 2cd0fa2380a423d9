// For any lines of an MCP client, every answer is one JSON message with a known id or none, no call starts twice, and
// no argument becomes an option that the tool does not have.
#include "mcp/session.hpp"

#include "core/text.hpp"
#include "target.hpp"

#include <boost/json.hpp>

#include <set>

using namespace holdfast;
using namespace holdfast::mcp;

namespace {

Answer plain_answer(const Result<os::Completed>& completed) { return {R"({"said": "x"})", !completed}; }

const std::vector<Tool>& tools() {
  using Type = Parameter::Type;
  static const std::vector<Tool> k_tools{
      {.name = "make",
       .title = "Make",
       .description = "makes",
       .command = {"make"},
       .parameters = {{.name = "port", .type = Type::number_or_text, .option = "port", .lowest = 1, .highest = 65535},
                      {.name = "more", .type = Type::texts, .option = "more"},
                      {.name = "dry", .type = Type::flag, .option = "dry"},
                      {.name = "whose", .type = Type::choice_of_flag, .choices = {"user", "system"}},
                      {.name = "name"}},
       .output_schema = R"({"type": "object"})",
       .answer = plain_answer}};
  return k_tools;
}

void check_lines(const Reaction& reaction) {
  for (const auto& line : reaction.lines) {
    fuzz::promise(fuzz::is_one_safe_line(line), "a message is one line");
    boost::system::error_code unreadable;
    const auto value = boost::json::parse(line, unreadable);
    fuzz::promise(!unreadable && (value.is_object() || value.is_array()), "a message is JSON");
  }
}

void check_arguments(const std::vector<std::string>& arguments) {
  fuzz::promise(!arguments.empty() && arguments.front() == "make", "the command begins as the tool says");
  for (std::size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string_view word = arguments[i];
    fuzz::promise(word.starts_with("--port=") || word.starts_with("--more=") || word == "--dry" || word == "--user" ||
                      word == "--system",
                  "every option is one of the tool's");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Session session({"holdfast", "Holdfast", "1", ""}, tools());
  std::set<CallId> open;
  std::set<CallId> seen;
  for (const auto& line : split(fuzz::text_of(data, size), '\n')) {
    const auto reaction = session.on_line(line);
    check_lines(reaction);
    for (const auto& start : reaction.starts) {
      fuzz::promise(seen.insert(start.call).second, "a call is started once");
      open.insert(start.call);
      check_arguments(start.arguments);
      check_lines(session.on_progress(start.call, line));
    }
    for (const auto call : reaction.cancels) fuzz::promise(open.contains(call), "a cancelled call was started");
  }
  for (const auto call : open) {
    const auto done = session.on_done(call, os::Completed{});
    fuzz::promise(done.lines.size() <= 1, "a call is answered once");
    check_lines(done);
    fuzz::promise(session.on_done(call, os::Completed{}).lines.empty(), "and not again");
  }
  return 0;
}
