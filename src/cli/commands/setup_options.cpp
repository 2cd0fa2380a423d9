#include "cli/commands/setup_options.hpp"

#include "cli/output/terminal_observer.hpp"
#include "cli/scope.hpp"

namespace holdfast::cli {
namespace {

/// Those of setup's options that preflight is about.
Result<tunnels::SetupArguments> read_way_words(const Context& context, const Arguments& arguments) {
  tunnels::SetupArguments words;
  HOLDFAST_TRY(words.scope, choose_scope(arguments, context.host));
  words.ports = arguments.all("port");
  words.bastions = arguments.all("bastion");
  if (!arguments.has("bastion"))
    if (auto variable = context.variables.first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"}))
      words.bastions = {std::move(*variable)};
  words.identity = arguments.one("identity");
  if (!words.identity)
    words.identity = context.variables.first_of({"HOLDFAST_IDENTITY", "SCITEX_TUNNEL_SECRET_KEY_PATH"});
  words.run_as = arguments.one("run-as");
  words.ssh_options = arguments.all("ssh-option");
  return words;
}

}  // namespace

Result<std::string> read_backend(const Arguments& arguments, Scope scope) {
  return tunnels::read_backend(arguments.one("backend").value_or("auto"), scope);
}

const std::vector<Option>& way_options() {
  static const std::vector<Option> k_options{
      {"port,p", "[BIND:]PORT[:HOST:HOSTPORT]",
       "the port to ask for at the bastion, as for setup; without it none is asked for; may be given several times",
       true},
      {"identity,secret-key,s", "FILE", "the private key, as for setup", false, Values::file},
      {"run-as", "USER", "system scope: the ordinary user to check as; who called sudo without it"},
      {"ssh-option", "KEY=VALUE", "one more -o for ssh; may be given several times", true}};
  return k_options;
}

const std::vector<Option>& setup_options() {
  static const std::vector<Option> k_options{
      {"port,p", "[BIND:]PORT[:HOST:HOSTPORT]",
       "listen at the bastion on BIND:PORT (127.0.0.1 without BIND) and lead to HOST:HOSTPORT here (localhost:22 "
       "without); a socket's path may stand in place of [BIND:]PORT; may be given several times",
       true},
      {"bastion,b", "[USER@]HOST[:PORT]",
       "the bastion, or a Host of ~/.ssh/config; an IPv6 address in brackets; HOLDFAST_BASTION stands in for it; "
       "FIRST,SECOND or given several times: the next one while those before it are down",
       true, Values::bastion},
      {"identity,secret-key,s", "FILE",
       "the private key; HOLDFAST_IDENTITY stands in for it; without either, what ssh itself would use", false,
       Values::file},
      {"name,n", "NAME", "how the tunnel is called; the first port without it"},
      {"backend", "NAME", "what keeps it running: auto (the strongest that works here), or one by name", false,
       Values::backend},
      {"engine", "NAME", "what restarts ssh: native (holdfast itself), or autossh", false, Values::engine},
      {"host", "NAME",
       "whose tunnel it is, where many hosts share one home: this host, by its name, or any: each host that it is set "
       "up on may have it, one has, and the others stand by; without it, as it was, or this host",
       false, Values::host},
      {"run-as", "USER", "system scope: the ordinary user it runs as; who called sudo without it"},
      {"takeover", "", "let a command on the bastion end a stale session of this tunnel's that nothing else can"},
      {"accept-new-host-key", "", "pin the bastion's host key if it is unknown, showing its fingerprint"},
      {"ssh-option", "KEY=VALUE", "one more -o for ssh; may be given several times", true},
      {"no-preflight", "", "skip the checks before anything is installed"},
      {"dry-run", "", "print every file and command in full, and change nothing"},
      {"json", "", "print the tunnel as JSON, with \"changed\"; with --dry-run the plan"}};
  return k_options;
}

Result<std::vector<std::string>> read_only_backends(const Variables& variables) {
  return tunnels::read_only_backends(variables.get("HOLDFAST_BACKENDS"));
}

Result<tunnels::SetupRequest> read_check_request(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto name, TunnelName::parse("doctor"));
  HOLDFAST_TRY(const auto words, read_way_words(context, arguments));
  HOLDFAST_TRY(const auto bastions, tunnels::read_bastions(words.bastions));
  if (bastions.size() > 1)
    return usage_error("option --bastion", "several are given, and one is checked at a time", "ask for each by itself");
  // Any port: it is not asked for. What it leads to by default is.
  HOLDFAST_TRY(auto forwards,
               tunnels::read_forwards(arguments.has("port") ? words.ports : std::vector<std::string>{"22"}));
  TerminalObserver observer(context.terminal);
  return tunnels::read_way(words, std::move(name), std::move(forwards), context.host, observer);
}

Result<tunnels::SetupRequest> read_setup_request(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto words, read_way_words(context, arguments));
  words.name = arguments.one("name");
  words.backend = arguments.one("backend").value_or(words.backend);
  words.engine = arguments.one("engine").value_or(words.engine);
  words.host = arguments.one("host");
  HOLDFAST_TRY(words.only_backends, read_only_backends(context.variables));
  words.accept_new_host_key = arguments.has("accept-new-host-key");
  words.takeover = arguments.has("takeover");
  words.preflight = !arguments.has("no-preflight");
  TerminalObserver observer(context.terminal);
  return tunnels::read_setup(words, context.host, observer);
}

}  // namespace holdfast::cli
