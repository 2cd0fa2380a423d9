#include "cli/mcp/tools.hpp"

#include "core/text.hpp"
#include "mcp/session.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace holdfast::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds k_timeout{30};

/// The variables that the official client passes to a server.
os::Environment client_environment(const os::Host& host) {
  os::Environment environment;
  for (const auto* name : {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"})
    if (const auto value = host.env(name)) environment.emplace(name, *value);
  return environment;
}

/// The messages of a session: initialization, the list of tools, one call.
std::string client_messages() {
  std::string messages;
  const auto add = [&](json::object message) {
    message["jsonrpc"] = "2.0";
    messages += json::serialize(message) + "\n";
  };
  add({{"id", 1},
       {"method", "initialize"},
       {"params", json::object{{"protocolVersion", mcp::protocol_versions().back()},
                               {"capabilities", json::object{}},
                               {"clientInfo", json::object{{"name", "holdfast mcp doctor"}, {"version", "1"}}}}}});
  add({{"method", "notifications/initialized"}});
  add({{"id", 2}, {"method", "tools/list"}});
  add({{"id", 3},
       {"method", "tools/call"},
       {"params", json::object{{"name", "tunnel_doctor"}, {"arguments", json::object{}}}}});
  return messages;
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

std::string string_or(const json::value& value, std::string_view fallback) {
  return std::string(value.is_string() ? std::string_view(value.get_string()) : fallback);
}

Result<ExitStatus> examine(Context& context, const Arguments&) {
  auto& terminal = context.terminal;
  const auto program = context.host.self();
  const auto begin = context.host.now();
  HOLDFAST_TRY(const auto session, context.host.run({.argv = {program.string(), "mcp", "start"},
                                                     .environment = client_environment(context.host),
                                                     .input = client_messages()},
                                                    k_timeout));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(context.host.now() - begin);
  const auto messages = read_messages(session.out);
  const auto* introduced = result_of(messages, 1);
  const auto* listed = result_of(messages, 2);
  const auto* called = result_of(messages, 3);
  if (introduced == nullptr || listed == nullptr || called == nullptr)
    return Error{"connecting to", program.string() + " mcp start",
                 session.timed_out
                     ? fmt::format("no answer in {} s", k_timeout.count())
                     : "its answers do not follow the protocol" + (session.err.empty() ? "" : ": " + session.err),
                 "run holdfast mcp start -v with a client"};
  terminal.answer(fmt::format("server      {} mcp start", printable(program.string())));
  terminal.answer(fmt::format("protocol    {}, {} tools, a session in {} ms",
                              string_or(introduced->at("protocolVersion"), "?"), listed->at("tools").get_array().size(),
                              took.count()));
  const auto& findings = called->at("structuredContent").at("findings");
  const auto choice = findings.is_object() ? string_or(findings.at("choice"), "") : std::string();
  if (!choice.empty()) terminal.answer("backend     " + choice + ", with the environment that a client passes");
  const auto bastion = context.variables.first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"});
  terminal.answer("bastion     " +
                  (bastion ? printable(*bastion) + ", if the client's configuration sets it: holdfast mcp installation"
                           : "not set; each call of tunnel_setup must name one"));
  if (choice.empty())
    return Error{"finding", "a backend with the environment of a client", "none works here", "holdfast doctor",
                 ExitStatus::no_backend};
  return ExitStatus::done;
}

}  // namespace

const Command& mcp_doctor_command() {
  static const Command command{
      .name = "mcp doctor",
      .synopsis = "",
      .summary = "test the server as a client would",
      .description =
          "Starts holdfast mcp start with the few variables that clients pass, calls a tool, and prints the result. It "
          "changes nothing.\n"
          "The exit status is 0 when everything worked, 5 when no backend works with that environment, and 1 when the "
          "server did not answer.",
      .scoped = false,
      .run = examine};
  return command;
}

}  // namespace holdfast::cli
