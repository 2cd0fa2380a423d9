#include "cli/mcp/tools.hpp"

#include "backends/backend.hpp"
#include "cli/mcp/ssh_options.hpp"

namespace holdfast::cli {
namespace {

using mcp::Parameter;
using Type = mcp::Parameter::Type;

constexpr std::int64_t k_highest_port = 65535;
constexpr std::int64_t k_most_log_lines = 1000;

// --- parameters that more than one tool has; names that scitex-tunnel has are its own

Parameter port_parameter(std::string_view description) {
  return {.name = "port",
          .type = Type::number,
          .option = "port",
          .description = description,
          .lowest = 1,
          .highest = k_highest_port};
}

Parameter forward_parameter(std::string_view description, bool required) {
  auto parameter = port_parameter(description);
  parameter.type = Type::number_or_text;
  parameter.required = required;
  return parameter;
}

Parameter name_parameter(std::string_view description) { return {.name = "name", .description = description}; }

Parameter bastion_parameter(std::string_view description) {
  return {.name = "bastion_server", .option = "bastion", .description = description};
}

Parameter key_parameter() {
  return {.name = "secret_key_path",
          .option = "identity",
          .description =
              "path of the private key, which must have no passphrase; without it HOLDFAST_IDENTITY or "
              "SCITEX_TUNNEL_SECRET_KEY_PATH of the server's environment, else what ssh itself would use"};
}

Parameter ssh_options_parameter() {
  static const auto description =
      "further settings of ssh_config(5), each KEY=VALUE; allowed are " + agents_ssh_options();
  return {.name = "ssh_options",
          .type = Type::texts,
          .option = "ssh-option",
          .description = description,
          .check = check_agents_ssh_option};
}

Parameter run_as_parameter() {
  return {.name = "run_as", .option = "run-as", .description = "scope system only: the ordinary user whose ssh it is"};
}

Parameter scope_parameter() {
  return {.name = "scope",
          .type = Type::choice_of_flag,
          .description = "whose tunnels: user (your own, the default for everybody but root) or system (the machine's)",
          .choices = {"user", "system"}};
}

Parameter flag_parameter(std::string_view name, std::string_view option, std::string_view description) {
  return {.name = name, .type = Type::flag, .option = option, .description = description};
}

std::vector<std::string_view> backend_choices() {
  std::vector<std::string_view> names{"auto"};
  for (const auto* backend : backends::all_backends()) names.push_back(backend->name());
  return names;
}

// --- the tools

std::vector<Parameter> setup_parameters() {
  return {forward_parameter(
              "the port to listen on at the bastion, on its loopback address; it leads to localhost:22 here. To lead "
              "elsewhere or to listen on another address: \"[BIND:]PORT:HOST:HOSTPORT\"",
              true),
          bastion_parameter("the bastion, [USER@]HOST[:PORT], or a Host of ~/.ssh/config; several, the first that is "
                            "well, separated by commas; without it HOLDFAST_BASTION "
                            "or SCITEX_TUNNEL_BASTION_SERVER of the server's environment"),
          key_parameter(),
          {.name = "more_ports",
           .type = Type::texts,
           .option = "port",
           .description = "further ports of the same tunnel, each written like port"},
          {.name = "name", .option = "name", .description = "what the tunnel is called; without it, the port"},
          {.name = "backend",
           .option = "backend",
           .description = "what keeps it running; without it auto, the strongest that works here",
           .choices = backend_choices()},
          {.name = "engine",
           .option = "engine",
           .description = "what restarts ssh; without it native, which is holdfast itself",
           .choices = {"native", "autossh"}},
          {.name = "host",
           .option = "host",
           .description = "where many hosts share one home: any, to let each of them have the tunnel, or this host's "
                          "own name, to take it over"},
          flag_parameter("takeover", "takeover",
                         "let a command on the bastion end a stale session of this tunnel's that still holds the port "
                         "and that nothing else can end; the key must be allowed to run commands there"),
          flag_parameter("accept_new_host_key", "accept-new-host-key",
                         "pin the bastion's host key if it is unknown. Only when a person has compared the fingerprint "
                         "that the error of a first try shows; a changed key is never accepted"),
          ssh_options_parameter(),
          flag_parameter("no_preflight", "no-preflight", "skip the checks before anything is installed"),
          flag_parameter("dry_run", "dry-run", "change nothing, and tell every file and command instead"),
          run_as_parameter(),
          scope_parameter()};
}

mcp::Tool setup_tool() {
  return {.name = "tunnel_setup",
          .title = "Set up a tunnel",
          .description =
              "Makes a reverse SSH tunnel that lasts: a port of the bastion leads to this machine. Checks everything "
              "first, installs it, starts it, and returns when it was verified end to end, usually within seconds; "
              "whatever fails is undone. With the same arguments again nothing changes; with others the tunnel of that "
              "name is updated in place. Tells its progress; a cancelled call is undone.",
          .command = {"setup", "--json"},
          .parameters = setup_parameters(),
          .hints = {.idempotent = true, .open_world = true},
          .output_schema = setup_schema(),
          .answer = setup_answer};
}

mcp::Tool status_tool() {
  return {.name = "tunnel_status",
          .title = "Show tunnels",
          .description =
              "Shows whether reverse SSH tunnels are up, verified end to end, and if not why and what to do. Without "
              "port and name: all of them. Changes nothing.",
          .command = {"status", "--json"},
          .parameters = {port_parameter("only tunnels that listen on this port of their bastion"),
                         name_parameter("only the tunnel of this name, in place of port"), scope_parameter()},
          .hints = {.read_only = true, .idempotent = true},
          .output_schema = status_schema(),
          .answer = tunnels_answer};
}

mcp::Tool remove_tool() {
  return {
      .name = "tunnel_remove",
      .title = "Remove a tunnel",
      .description =
          "Stops a tunnel, uninstalls it and deletes all that belongs to it: one, by port or by name. Tells exactly "
          "what it removed. Removing what is not there is an error of class no-such-tunnel.",
      .command = {"remove", "--json"},
      .parameters = {port_parameter("the tunnel that listens on this port of its bastion"),
                     name_parameter("the tunnel of this name, in place of port"), scope_parameter()},
      .hints = {.destructive = true, .idempotent = true},
      .output_schema = remove_schema(),
      .answer = remove_answer,
      .ignores_cancel = true};
}

mcp::Tool doctor_tool() {
  return {.name = "tunnel_doctor",
          .title = "Examine this machine, or the way to a bastion",
          .description =
              "Tells what could keep a tunnel running on this machine, what each way survives and why, and what would "
              "make it stronger; with bastion_server also every check that tunnel_setup makes of a bastion. Changes "
              "nothing.",
          .command = {"doctor", "--json"},
          .parameters = {bastion_parameter("check the way to this bastion too: [USER@]HOST[:PORT], or a Host of "
                                           "~/.ssh/config"),
                         forward_parameter("with bastion_server: is this port free and allowed there, and does its "
                                           "target here answer",
                                           false),
                         key_parameter(), ssh_options_parameter(), run_as_parameter(), scope_parameter()},
          .hints = {.read_only = true, .idempotent = true, .open_world = true},
          .output_schema = doctor_schema(),
          .answer = doctor_answer};
}

mcp::Tool logs_tool() {
  return {.name = "tunnel_logs",
          .title = "Read a tunnel's log",
          .description = "What a tunnel's supervisor and ssh said, the last lines, oldest first. Changes nothing.",
          .command = {"logs", "--json"},
          .parameters = {{.name = "name",
                          .description = "the tunnel's name; tunnel_status tells the names",
                          .required = true},
                         {.name = "lines",
                          .type = Type::number,
                          .option = "lines",
                          .description = "how many lines, 50 without it",
                          .lowest = 1,
                          .highest = k_most_log_lines},
                         scope_parameter()},
          .hints = {.read_only = true, .idempotent = true},
          .output_schema = logs_schema(),
          .answer = logs_answer};
}

mcp::Tool client_config_tool() {
  return {.name = "tunnel_client_config",
          .title = "What a laptop needs to come in",
          .description =
              "The text for a laptop's ~/.ssh/config with which ssh NAME, scp and rsync there come in through the "
              "bastion. Without port and name: of every tunnel. Changes nothing.",
          .command = {"client-config", "--json"},
          .parameters = {port_parameter("only tunnels that listen on this port of their bastion"),
                         name_parameter("only the tunnel of this name, in place of port"), scope_parameter()},
          .hints = {.read_only = true, .idempotent = true},
          .output_schema = client_config_schema(),
          .answer = tunnels_answer};
}

}  // namespace

std::span<const mcp::Tool> mcp_tools() {
  static const std::vector<mcp::Tool> tools{setup_tool(),  status_tool(), remove_tool(),
                                            doctor_tool(), logs_tool(),   client_config_tool()};
  return tools;
}

}  // namespace holdfast::cli
