#include "cli/setup_options.hpp"

#include "backends/backend.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "ssh/autossh.hpp"

namespace holdfast::cli {
namespace {

Error not_available(const std::string& subject, const std::string& hint) {
  return usage_error(subject, "it is not available in this version", hint);
}

Result<std::vector<Destination>> read_bastions(const Arguments& arguments, const Variables& variables) {
  std::string text;
  for (const auto& given : arguments.all("bastion")) text += (text.empty() ? "" : ",") + given;
  if (!arguments.has("bastion")) {
    const auto variable = variables.first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"});
    if (!variable)
      return usage_error("option --bastion", "it is missing", "give -b [USER@]HOST, or set HOLDFAST_BASTION");
    text = *variable;
  }
  return parse_bastions(text);
}

Result<std::vector<Forward>> read_forwards(const Arguments& arguments) {
  std::vector<Forward> forwards;
  for (const auto& text : arguments.all("port")) {
    HOLDFAST_TRY(auto forward, Forward::parse(text));
    forwards.push_back(std::move(forward));
  }
  if (forwards.empty())
    return usage_error("option --port", "it is missing", "give -p PORT: what to listen on at the bastion");
  return forwards;
}

Result<TunnelName> read_name(const Arguments& arguments, const std::vector<Forward>& forwards) {
  if (const auto given = arguments.one("name")) return TunnelName::parse(*given);
  auto name = TunnelName::parse(forwards.front().short_text());
  if (name) return name;
  return usage_error("option --name", "it is missing, and a socket's path cannot be a name", "give -n NAME");
}

Result<> check_backend_name(const std::string& name, const std::string& subject) {
  if (backends::find_backend(name) != nullptr) return {};
  std::string known = "auto";
  for (const auto* backend : backends::all_backends()) known += ", " + std::string(backend->name());
  if (backends::is_future_backend(name)) return not_available(subject, "choose one of " + known);
  return usage_error(subject, "there is no such backend", "choose one of " + known);
}

/// What the engine must be able to take, before anything is touched.
Result<> check_engine(const tunnels::SetupRequest& request) {
  if (request.engine == Engine::native) return {};
  TunnelSpec spec{request.name, request.bastion, request.forwards, request.identity};
  spec.engine = request.engine;
  spec.fallbacks = request.fallbacks;
  spec.host = request.host.value_or("");
  HOLDFAST_TRY(const auto tunnel, Tunnel::make(std::move(spec)));
  return ssh::check_for_autossh(tunnel);
}

/// A tunnel is set up where setup runs: another host can only be told to do it itself.
Result<std::optional<std::string>> read_host(const Arguments& arguments, const os::Host& host) {
  auto given = arguments.one("host");
  if (!given || *given == k_any_host || *given == host.hostname()) return given;
  return usage_error("option --host " + *given, "this host is called " + host.hostname(),
                     "run setup there, or give --host any: every host that it is set up on may have it");
}

Result<Engine> read_engine(const Arguments& arguments) {
  const auto name = arguments.one("engine").value_or("native");
  for (const auto engine : {Engine::native, Engine::autossh})
    if (name == to_text(engine)) return engine;
  return usage_error("option --engine " + name, "there is no such engine", "choose native or autossh");
}

/// An ordinary user, unless root was asked for by name.
Result<os::User> read_run_as(const Arguments& arguments, Context& context, Scope scope) {
  const auto given = arguments.one("run-as");
  auto& host = context.host;
  if (scope == Scope::user) {
    if (given)
      return usage_error("option --run-as", "only a tunnel of the system scope runs as another user", "add --system");
    return host.user();
  }
  if (host.user().uid != 0)
    return Error{"setting up", "a tunnel of the system scope", "only root can", "use sudo, or leave --system out",
                 ExitStatus::no_backend};
  const auto invoker = host.env("SUDO_USER").value_or("");
  if (!given && (invoker.empty() || invoker == "root"))
    return usage_error("option --run-as", "it is missing: a tunnel of the system scope runs as an ordinary user",
                       "add --run-as USER");
  auto user = host.find_user(given.value_or(invoker));
  if (!user) {
    auto error = std::move(user).error();
    error.status = ExitStatus::usage;
    return error;
  }
  if (user->uid == 0)
    context.terminal.warn("the tunnel will run as root, as --run-as asks; an ordinary user would be safer");
  return user;
}

Result<std::optional<boost::filesystem::path>> read_identity(const Arguments& arguments, Context& context,
                                                             const os::User& run_as) {
  std::optional<boost::filesystem::path> identity;
  auto text = arguments.one("identity");
  if (!text) text = context.variables.first_of({"HOLDFAST_IDENTITY", "SCITEX_TUNNEL_SECRET_KEY_PATH"});
  if (!text) return identity;
  HOLDFAST_TRY(identity, resolve_identity(*text, run_as.home, context.host.working_directory()));
  return identity;
}

/// What leads to a bastion and back, whatever is to hold it.
Result<tunnels::SetupRequest> read_way(Context& context, const Arguments& arguments, TunnelName name,
                                       std::vector<Forward> forwards) {
  HOLDFAST_TRY(auto bastions, read_bastions(arguments, context.variables));
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, context.host));
  tunnels::SetupRequest request{std::move(name), bastions.front(), std::move(forwards), {}, {}, "auto", {}, {}, {}, {}};
  request.fallbacks.assign(bastions.begin() + 1, bastions.end());
  for (const auto& text : arguments.all("ssh-option")) {
    HOLDFAST_TRY(auto option, SshOption::parse(text));
    request.ssh_options.push_back(std::move(option));
  }
  HOLDFAST_TRY(request.places, store::places(scope, context.host));
  HOLDFAST_TRY(request.run_as, read_run_as(arguments, context, scope));
  HOLDFAST_TRY(request.identity, read_identity(arguments, context, request.run_as));
  // What holds between the values, before anything is touched.
  HOLDFAST_CHECK(Tunnel::make({request.name, request.bastion, request.forwards, request.identity}));
  return request;
}

}  // namespace

Result<std::string> read_backend(const Arguments& arguments, Scope scope) {
  const auto name = arguments.one("backend").value_or("auto");
  if (name == "auto") return name;
  const auto subject = "option --backend " + name;
  HOLDFAST_CHECK(check_backend_name(name, subject));
  if (backends::find_backend(name)->scope() != scope)
    return usage_error(subject, "it does not hold tunnels of the " + std::string(to_text(scope)) + " scope",
                       scope == Scope::user ? "add --system" : "add --user");
  return name;
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
      {"accept-new-host-key", "", "pin the bastion's host key if it is unknown, showing its fingerprint"},
      {"ssh-option", "KEY=VALUE", "one more -o for ssh; may be given several times", true},
      {"no-preflight", "", "skip the checks before anything is installed"},
      {"dry-run", "", "print every file and command in full, and change nothing"},
      {"json", "", "print the tunnel as JSON, with \"changed\"; with --dry-run the plan"}};
  return k_options;
}

Result<std::vector<std::string>> read_only_backends(const Variables& variables) {
  std::vector<std::string> names;
  const auto list = variables.get("HOLDFAST_BACKENDS");
  if (!list) return names;
  for (const auto& part : split(*list, ',')) {
    const std::string name(trim(part));
    HOLDFAST_CHECK(check_backend_name(name, "variable HOLDFAST_BACKENDS, " + name));
    names.push_back(name);
  }
  return names;
}

Result<tunnels::SetupRequest> read_check_request(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto name, TunnelName::parse("doctor"));
  HOLDFAST_TRY(const auto bastions, read_bastions(arguments, context.variables));
  if (bastions.size() > 1)
    return usage_error("option --bastion", "several are given, and one is checked at a time", "ask for each by itself");
  if (arguments.has("port")) {
    HOLDFAST_TRY(auto forwards, read_forwards(arguments));
    return read_way(context, arguments, std::move(name), std::move(forwards));
  }
  // Any port: it is not asked for. What it leads to by default is.
  HOLDFAST_TRY(auto forward, Forward::parse("22"));
  return read_way(context, arguments, std::move(name), {std::move(forward)});
}

Result<tunnels::SetupRequest> read_setup_request(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto forwards, read_forwards(arguments));
  HOLDFAST_CHECK(read_bastions(arguments, context.variables));
  HOLDFAST_TRY(auto name, read_name(arguments, forwards));
  HOLDFAST_TRY(const auto engine, read_engine(arguments));
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, context.host));
  HOLDFAST_TRY(auto backend, read_backend(arguments, scope));
  HOLDFAST_TRY(auto only_backends, read_only_backends(context.variables));
  HOLDFAST_TRY(auto request, read_way(context, arguments, std::move(name), std::move(forwards)));
  request.backend = std::move(backend);
  request.only_backends = std::move(only_backends);
  request.engine = engine;
  HOLDFAST_TRY(request.host, read_host(arguments, context.host));
  request.accept_new_host_key = arguments.has("accept-new-host-key");
  request.preflight = !arguments.has("no-preflight");
  HOLDFAST_CHECK(check_engine(request));
  return request;
}

}  // namespace holdfast::cli
