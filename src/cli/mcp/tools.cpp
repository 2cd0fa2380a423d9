#include "cli/mcp/tools.hpp"

#include "backends/backend.hpp"
#include "cli/mcp/ssh_options.hpp"

namespace holdfast::cli {
namespace {

using mcp::Parameter;
using Type = mcp::Parameter::Type;

constexpr std::int64_t k_highest_port = 65535;
constexpr std::int64_t k_most_log_lines = 1000;

// --- parameters of several tools; the names are scitex-tunnel's where it has them

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
              "path of the private key, which must have no passphrase; default: HOLDFAST_IDENTITY or "
              "SCITEX_TUNNEL_SECRET_KEY_PATH of the server's environment, else ssh's own choice"};
}

Parameter ssh_options_parameter() {
  static const auto description = "more options of ssh_config(5), each KEY=VALUE; allowed: " + agents_ssh_options();
  return {.name = "ssh_options",
          .type = Type::texts,
          .option = "ssh-option",
          .description = description,
          .check = check_agents_ssh_option};
}

Parameter run_as_parameter() {
  return {.name = "run_as", .option = "run-as", .description = "scope system only: the ordinary user that runs ssh"};
}

Parameter scope_parameter() {
  return {.name = "scope",
          .type = Type::choice_of_flag,
          .description = "user (your own tunnels, the default unless you are root) or system (the machine's)",
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
  return {
      forward_parameter(
          "the port to listen on, on the bastion's loopback address; it leads to localhost:22 here. For another "
          "target or address: \"[BIND:]PORT:HOST:HOSTPORT\"",
          true),
      bastion_parameter(
          "the bastion: [USER@]HOST[:PORT] or a Host alias of ~/.ssh/config; several, in order of preference, "
          "separated by commas; default: HOLDFAST_BASTION or SCITEX_TUNNEL_BASTION_SERVER of the server's "
          "environment"),
      key_parameter(),
      {.name = "more_ports",
       .type = Type::texts,
       .option = "port",
       .description = "more ports of the same tunnel, each written like port"},
      {.name = "name", .option = "name", .description = "name of the tunnel; default: the port"},
      {.name = "backend",
       .option = "backend",
       .description = "the backend that keeps it running; default: auto, the most durable that works here",
       .choices = backend_choices()},
      {.name = "engine",
       .option = "engine",
       .description = "the program that restarts ssh; default: native, which is holdfast itself",
       .choices = {"native", "autossh"}},
      {.name = "host",
       .option = "host",
       .description = "if hosts share a home directory: any, so that each of them may have the tunnel, or the name of "
                      "this host, to take it over"},
      flag_parameter("takeover", "takeover",
                     "end an old session of this tunnel that holds the port with a command on the bastion, if nothing "
                     "else can; the key must be allowed to run commands there"),
      flag_parameter("allow_target_down", "allow-target-down",
                     "a service that the tunnel leads to may be down now and start later"),
      flag_parameter("accept_new_host_key", "accept-new-host-key",
                     "store the bastion's host key if it is unknown. Use it only after a person has compared the "
                     "fingerprint in the first error; a changed key is never accepted"),
      ssh_options_parameter(),
      flag_parameter("no_preflight", "no-preflight", "skip the checks before anything is installed"),
      flag_parameter("dry_run", "dry-run", "change nothing, and return every file and command instead"),
      run_as_parameter(),
      scope_parameter()};
}

mcp::Tool setup_tool() {
  return {
      .name = "tunnel_setup",
      .title = "Set up a tunnel",
      .description =
          "Sets up a persistent reverse SSH tunnel: a port of the bastion leads to this machine. It checks everything "
          "first, installs and starts the tunnel, and returns when it is verified end to end, usually within "
          "seconds. A failure is undone. The same arguments again change nothing; others update the tunnel of that "
          "name. It reports progress; a cancelled call is undone.",
      .command = {"setup", "--json"},
      .parameters = setup_parameters(),
      .hints = {.idempotent = true, .open_world = true},
      .output_schema = setup_schema(),
      .answer = setup_answer};
}

mcp::Tool status_tool() {
  return {
      .name = "tunnel_status",
      .title = "Show tunnels",
      .description =
          "Shows whether reverse SSH tunnels are up and verified end to end, and if not, why and what to do. Without "
          "port and name it shows all tunnels. It changes nothing.",
      .command = {"status", "--json"},
      .parameters = {port_parameter("only tunnels that listen on this port of their bastion"),
                     name_parameter("only the tunnel with this name; not together with port"), scope_parameter()},
      .hints = {.read_only = true, .idempotent = true},
      .output_schema = status_schema(),
      .answer = tunnels_answer};
}

mcp::Tool remove_tool() {
  return {
      .name = "tunnel_remove",
      .title = "Remove a tunnel",
      .description =
          "Stops, uninstalls and deletes one tunnel, selected by port or name. It returns everything that it removed. "
          "If there is no such tunnel, the error class is no-such-tunnel.",
      .command = {"remove", "--json"},
      .parameters = {port_parameter("the tunnel that listens on this port of its bastion"),
                     name_parameter("the tunnel with this name; not together with port"), scope_parameter()},
      .hints = {.destructive = true, .idempotent = true},
      .output_schema = remove_schema(),
      .answer = remove_answer,
      .ignores_cancel = true};
}

mcp::Tool doctor_tool() {
  return {.name = "tunnel_doctor",
          .title = "Check this machine or a bastion",
          .description =
              "Lists the backends that can keep a tunnel running on this machine, what each survives and why, and one "
              "change that would improve it. With bastion_server it also runs every check that tunnel_setup makes. It "
              "changes nothing.",
          .command = {"doctor", "--json"},
          .parameters = {bastion_parameter("check this bastion too: [USER@]HOST[:PORT] or a Host alias of "
                                           "~/.ssh/config"),
                         forward_parameter("with bastion_server: check that this port is free and allowed there, "
                                           "and that its target here accepts connections",
                                           false),
                         key_parameter(), ssh_options_parameter(), run_as_parameter(), scope_parameter()},
          .hints = {.read_only = true, .idempotent = true, .open_world = true},
          .output_schema = doctor_schema(),
          .answer = doctor_answer};
}

mcp::Tool logs_tool() {
  return {
      .name = "tunnel_logs",
      .title = "Read a tunnel's log",
      .description = "Returns the last log lines of a tunnel's supervisor and ssh, oldest first. It changes nothing.",
      .command = {"logs", "--json"},
      .parameters = {{.name = "name", .description = "name of the tunnel, as in tunnel_status", .required = true},
                     {.name = "lines",
                      .type = Type::number,
                      .option = "lines",
                      .description = "number of lines; default: 50",
                      .lowest = 1,
                      .highest = k_most_log_lines},
                     scope_parameter()},
      .hints = {.read_only = true, .idempotent = true},
      .output_schema = logs_schema(),
      .answer = logs_answer};
}

mcp::Tool client_config_tool() {
  return {.name = "tunnel_client_config",
          .title = "Show how a laptop connects",
          .description =
              "Returns the text for a laptop's ~/.ssh/config, with which ssh NAME, scp and rsync connect through the "
              "bastion. Without port and name it covers all tunnels. It changes nothing.",
          .command = {"client-config", "--json"},
          .parameters = {port_parameter("only tunnels that listen on this port of their bastion"),
                         name_parameter("only the tunnel with this name; not together with port"), scope_parameter()},
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
