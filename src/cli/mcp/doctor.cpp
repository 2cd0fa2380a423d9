#include "cli/mcp/tools.hpp"

#include "core/text.hpp"
#include "mcp/session.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds k_timeout{30};

/// What the official client leaves of its environment to a server that it starts.
os::Environment clients_environment(const os::Host& host) {
  os::Environment environment;
  for (const auto* name : {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"})
    if (const auto value = host.env(name)) environment.emplace(name, *value);
  return environment;
}

/// A whole session: what a client says at the beginning, the tools asked for, one of them called.
std::string clients_words() {
  std::string words;
  const auto say = [&](json::object message) {
    message["jsonrpc"] = "2.0";
    words += json::serialize(message) + "\n";
  };
  say({{"id", 1},
       {"method", "initialize"},
       {"params", json::object{{"protocolVersion", mcp::protocol_versions().back()},
                               {"capabilities", json::object{}},
                               {"clientInfo", json::object{{"name", "holdfast mcp doctor"}, {"version", "1"}}}}}});
  say({{"method", "notifications/initialized"}});
  say({{"id", 2}, {"method", "tools/list"}});
  say({{"id", 3},
       {"method", "tools/call"},
       {"params", json::object{{"name", "tunnel_doctor"}, {"arguments", json::object{}}}}});
  return words;
}

/// The result of the request with that id; nothing when there is none.
const json::object* result_of(const std::vector<json::object>& messages, int id) {
  for (const auto& message : messages)
    if (const auto* result = message.if_contains("result"); result != nullptr && message.at("id") == id)
      return result->if_object();
  return nullptr;
}

std::vector<json::object> read_messages(const std::string& out) {
  std::vector<json::object> messages;
  for (const auto& line : split(out, '\n')) {
    boost::system::error_code unreadable;
    auto value = json::parse(line, unreadable);
    if (!unreadable && value.is_object() && value.get_object().contains("id"))
      messages.push_back(std::move(value.get_object()));
  }
  return messages;
}

std::string string_or(const json::value& value, std::string_view otherwise) {
  return std::string(value.is_string() ? std::string_view(value.get_string()) : otherwise);
}

Result<ExitStatus> examine(Context& context, const Arguments&) {
  auto& terminal = context.terminal;
  const auto program = context.host.self();
  const auto begin = context.host.now();
  HOLDFAST_TRY(const auto talk, context.host.run({.argv = {program.string(), "mcp", "start"},
                                                  .environment = clients_environment(context.host),
                                                  .input = clients_words()},
                                                 k_timeout));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(context.host.now() - begin);
  const auto messages = read_messages(talk.out);
  const auto* introduced = result_of(messages, 1);
  const auto* listed = result_of(messages, 2);
  const auto* called = result_of(messages, 3);
  if (introduced == nullptr || listed == nullptr || called == nullptr)
    return Error{"speaking to", program.string() + " mcp start",
                 talk.timed_out
                     ? fmt::format("no answer in {} s", k_timeout.count())
                     : "it did not answer as the protocol has it" + (talk.err.empty() ? "" : ": " + talk.err),
                 "holdfast mcp start -v, and what a client says to it"};
  terminal.answer(fmt::format("server      {} mcp start", printable(program.string())));
  terminal.answer(fmt::format("protocol    {}, {} tools, a session in {} ms",
                              string_or(introduced->at("protocolVersion"), "?"), listed->at("tools").get_array().size(),
                              took.count()));
  const auto& findings = called->at("structuredContent").at("findings");
  const auto choice = findings.is_object() ? string_or(findings.at("choice"), "") : std::string();
  if (!choice.empty()) terminal.answer("backend     " + choice + ", as a client's server sees this machine");
  const auto bastion = context.variables.first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"});
  terminal.answer("bastion     " +
                  (bastion ? printable(*bastion) + ", if the client is told of it: holdfast mcp installation"
                           : "none set; each tunnel_setup has to name one"));
  if (choice.empty())
    return Error{"finding", "a backend, as a client's server sees this machine", "there is none that can be used",
                 "holdfast doctor", ExitStatus::no_backend};
  return ExitStatus::done;
}

}  // namespace

const Command& mcp_doctor_command() {
  static const Command command{
      .name = "mcp doctor",
      .synopsis = "",
      .summary = "try the server as a client would, and tell what it sees",
      .description =
          "Starts holdfast mcp start with the few variables that clients pass on, speaks to it, has it call a tool, "
          "and "
          "tells what came of it. It changes nothing.\n"
          "The exit status is 0 when all of it worked, 5 when no backend can be used from there, 1 when the server did "
          "not answer.",
      .scoped = false,
      .run = examine};
  return command;
}

}  // namespace holdfast::cli
