#include "cli/commands/setup_options.hpp"

#include "cli/output/terminal_observer.hpp"
#include "cli/scope.hpp"

namespace holdfast::cli {
Request connection_arguments(const Context& context, const Arguments& arguments) {
  Request request;
  request.ports = arguments.all("port");
  request.bastions = arguments.all("bastion");
  if (!arguments.has("bastion"))
    if (auto variable = context.variables.first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"}))
      request.bastions = {std::move(*variable)};
  request.identity = arguments.one("identity");
  if (!request.identity)
    request.identity = context.variables.first_of({"HOLDFAST_IDENTITY", "SCITEX_TUNNEL_SECRET_KEY_PATH"});
  request.run_as = arguments.one("run-as");
  request.ssh_options = arguments.all("ssh-option");
  return request;
}

Result<std::string> read_backend(const Arguments& arguments, Scope scope) {
  return tunnels::read_backend(arguments.one("backend").value_or("auto"), scope);
}

const std::vector<Option>& connection_options() {
  static const std::vector<Option> k_options{
      {"port,p", "[BIND:]PORT[:HOST:HOSTPORT]",
       "check that this port is free and allowed on the bastion; written as for setup; may be repeated", true},
      {"identity,secret-key,i,s", "FILE", "the private key, as for setup", false, Values::file},
      {"run-as", "USER", "system scope: the ordinary user to check as (default: SUDO_USER)"},
      {"ssh-option", "KEY=VALUE", "another -o option for ssh; may be repeated", true}};
  return k_options;
}

const std::vector<Option>& setup_options() {
  static const std::vector<Option> k_options{
      // Everyday options first: help keeps this order.
      {"port,p", "[BIND:]PORT[:HOST:HOSTPORT]",
       "listen on BIND:PORT of the bastion (default BIND: 127.0.0.1) and forward to HOST:HOSTPORT here (default: "
       "localhost:22); [BIND:]PORT may also be a socket's path; may be repeated",
       true},
      {"bastion,b", "[USER@]HOST[:PORT]",
       "the bastion, or a Host of ~/.ssh/config; IPv6 addresses in brackets; default: HOLDFAST_BASTION; with several "
       "(FIRST,SECOND or repeated), the tunnel uses the first one that works",
       true, Values::bastion},
      {"identity,secret-key,i,s", "FILE", "the private key; default: HOLDFAST_IDENTITY, else what ssh itself would use",
       false, Values::file},
      {"name,n", "NAME", "the tunnel's name (default: the first port)"},
      {"accept-new-host-key", "", "store the bastion's host key if it is unknown, and show its fingerprint"},
      {"dry-run", "", "print every file and command in full; change nothing, and do not contact the bastion"},
      {"backend", "NAME",
       "the backend that keeps the tunnel running: auto (the most durable that works here), or its name", false,
       Values::backend},
      {"engine", "NAME", "the program that restarts ssh: native (holdfast itself), or autossh", false, Values::engine},
      {"host", "NAME",
       "for a home that several hosts share: this host's name, or any; with any, one of the hosts on which you set the "
       "tunnel up runs it, and the others stand by (default: this host; an update keeps the host)",
       false, Values::host},
      {"run-as", "USER", "system scope: the ordinary user that the tunnel runs as (default: SUDO_USER)"},
      {"takeover", "", "let a command on the bastion end a stale session of this tunnel when nothing else can"},
      {"allow-target-down", "", "a target may be down now and start later: its forward is open and waits for it"},
      {"ssh-option", "KEY=VALUE", "another -o option for ssh; may be repeated", true},
      {"no-preflight", "", "install without the checks that come first"},
      {"json", "", "print the tunnel as JSON, with \"changed\"; with --dry-run the plan"}};
  return k_options;
}

Result<std::vector<std::string>> read_only_backends(const Variables& variables) {
  return tunnels::read_only_backends(variables.get("HOLDFAST_BACKENDS"));
}

Result<tunnels::SetupRequest> read_check_request(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto name, TunnelName::parse("doctor"));
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, context.host));
  const auto given = connection_arguments(context, arguments);
  HOLDFAST_TRY(const auto bastions, tunnels::read_bastions(given.bastions));
  if (bastions.size() > 1)
    return usage_error("option --bastion", "only one bastion is checked at a time", "give one --bastion");
  // Without --port no port is requested on the bastion. The default target, port 22 here, is still checked.
  HOLDFAST_TRY(auto forwards,
               tunnels::read_forwards(arguments.has("port") ? given.ports : std::vector<std::string>{"22"}));
  TerminalObserver observer(context.terminal);
  return tunnels::read_connection(given, scope, std::move(name), std::move(forwards), context.host, observer);
}

Result<tunnels::SetupRequest> read_setup_request(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, context.host));
  auto given = connection_arguments(context, arguments);
  given.name = arguments.one("name");
  given.backend = arguments.one("backend").value_or(given.backend);
  given.engine = arguments.one("engine").value_or(given.engine);
  given.host = arguments.one("host");
  given.accept_new_host_key = arguments.has("accept-new-host-key");
  given.takeover = arguments.has("takeover");
  given.allow_target_down = arguments.has("allow-target-down");
  given.preflight = !arguments.has("no-preflight");
  HOLDFAST_TRY(auto only_backends, read_only_backends(context.variables));
  TerminalObserver observer(context.terminal);
  return tunnels::read_setup(given, scope, std::move(only_backends), context.host, observer);
}

}  // namespace holdfast::cli
