#include "tunnels/setup/setup_arguments.hpp"

#include "backends/backend.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "ssh/autossh/autossh.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace holdfast::tunnels {
namespace {

Error not_available(const std::string& subject, const std::string& hint) {
  return usage_error(subject, "it is not available in this version", hint);
}

Result<TunnelName> read_name(const std::optional<std::string>& given, const std::vector<Forward>& forwards) {
  if (given) return TunnelName::parse(*given);
  auto name = TunnelName::parse(forwards.front().short_text());
  if (name) return name;
  return usage_error("option --name", "it is missing, and a socket's path cannot be a name", "give -n NAME");
}

/// The engine autossh cannot do everything that a tunnel may ask for.
Result<> check_engine(const SetupRequest& request) {
  if (request.engine == Engine::native) return {};
  TunnelSpec spec{request.name, request.bastion, request.forwards, request.identity};
  spec.engine = request.engine;
  spec.fallbacks = request.fallbacks;
  spec.host = request.host.value_or("");
  HOLDFAST_TRY(const auto tunnel, Tunnel::make(std::move(spec)));
  return ssh::check_for_autossh(tunnel);
}

/// A tunnel is set up on the host where setup runs.
Result<std::optional<std::string>> read_host(const std::optional<std::string>& given, const os::Host& host) {
  if (!given || *given == k_any_host || *given == host.hostname()) return given;
  return usage_error("option --host " + *given, "this host is called " + host.hostname(),
                     "run setup there, or give --host any: each host that it is set up on may hold it");
}

Result<Engine> read_engine(const std::string& name) {
  for (const auto engine : {Engine::native, Engine::autossh})
    if (name == to_text(engine)) return engine;
  return usage_error("option --engine " + name, "there is no such engine",
                     suggestion(name, std::vector<std::string>{"native", "autossh"}, "", "choose native or autossh"));
}

/// An ordinary user, unless root is named.
Result<os::User> read_run_as(const std::optional<std::string>& given, Scope scope, os::Host& host, Observer& observer) {
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
  if (user->uid == 0) observer.warn("the tunnel will run as root, as --run-as asks; an ordinary user would be safer");
  return user;
}

Result<> check_backend_name(const std::string& name, const std::string& subject) {
  if (backends::find_backend(name) != nullptr) return {};
  std::vector<std::string> known{"auto"};
  for (const auto* backend : backends::all_backends()) known.emplace_back(backend->name());
  const auto choice = fmt::format("choose one of {}", fmt::join(known, ", "));
  if (backends::is_future_backend(name)) return not_available(subject, choice);
  return usage_error(subject, "there is no such backend", suggestion(name, known, "", choice));
}

}  // namespace

Result<std::string> read_backend(const std::string& name, Scope scope) {
  if (name == "auto") return name;
  const auto subject = "option --backend " + name;
  HOLDFAST_CHECK(check_backend_name(name, subject));
  if (backends::find_backend(name)->scope() != scope)
    return usage_error(subject, "it does not run tunnels of the " + std::string(to_text(scope)) + " scope",
                       scope == Scope::user ? "add --system" : "add --user");
  return name;
}

Result<std::vector<std::string>> read_only_backends(const std::optional<std::string>& list) {
  std::vector<std::string> names;
  if (!list || list->empty()) return names;
  for (const auto& part : split(*list, ',')) {
    const std::string name(trim(part));
    HOLDFAST_CHECK(check_backend_name(name, "variable HOLDFAST_BACKENDS, " + name));
    names.push_back(name);
  }
  return names;
}

Result<std::vector<Destination>> read_bastions(const std::vector<std::string>& bastions) {
  std::string text;
  for (const auto& given : bastions) text += (text.empty() ? "" : ",") + given;
  if (bastions.empty())
    return usage_error("option --bastion", "it is missing", "give -b [USER@]HOST, or set HOLDFAST_BASTION");
  return parse_bastions(text);
}

Result<std::vector<Forward>> read_forwards(const std::vector<std::string>& ports) {
  std::vector<Forward> forwards;
  for (const auto& text : ports) {
    HOLDFAST_TRY(auto forward, Forward::parse(text));
    forwards.push_back(std::move(forward));
  }
  if (forwards.empty())
    return usage_error("option --port", "it is missing", "give -p PORT, the port to listen on at the bastion");
  return forwards;
}

Result<SetupRequest> read_connection(const Request& arguments, Scope scope, TunnelName name,
                                     std::vector<Forward> forwards, os::Host& host, Observer& observer) {
  HOLDFAST_TRY(auto bastions, read_bastions(arguments.bastions));
  SetupRequest request{std::move(name), bastions.front(), std::move(forwards)};
  request.fallbacks.assign(bastions.begin() + 1, bastions.end());
  for (const auto& text : arguments.ssh_options) {
    HOLDFAST_TRY(auto option, SshOption::parse(text));
    request.ssh_options.push_back(std::move(option));
  }
  HOLDFAST_TRY(request.paths, store::paths(scope, host));
  HOLDFAST_TRY(request.run_as, read_run_as(arguments.run_as, scope, host, observer));
  if (arguments.identity) {
    HOLDFAST_TRY(request.identity,
                 resolve_identity(*arguments.identity, request.run_as.home, host.working_directory()));
  }
  // Checks the values against each other, before anything is changed.
  HOLDFAST_CHECK(Tunnel::make({request.name, request.bastion, request.forwards, request.identity}));
  return request;
}

Result<SetupRequest> read_setup(const Request& arguments, Scope scope, std::vector<std::string> only_backends,
                                os::Host& host, Observer& observer) {
  HOLDFAST_TRY(auto forwards, read_forwards(arguments.ports));
  HOLDFAST_CHECK(read_bastions(arguments.bastions));
  HOLDFAST_TRY(auto name, read_name(arguments.name, forwards));
  HOLDFAST_TRY(const auto engine, read_engine(arguments.engine));
  HOLDFAST_TRY(auto backend, read_backend(arguments.backend, scope));
  HOLDFAST_TRY(auto request, read_connection(arguments, scope, std::move(name), std::move(forwards), host, observer));
  request.backend = std::move(backend);
  request.only_backends = std::move(only_backends);
  request.engine = engine;
  HOLDFAST_TRY(request.host, read_host(arguments.host, host));
  request.accept_new_host_key = arguments.accept_new_host_key;
  request.takeover = arguments.takeover;
  request.allow_target_down = arguments.allow_target_down;
  request.preflight = arguments.preflight;
  HOLDFAST_CHECK(check_engine(request));
  return request;
}

}  // namespace holdfast::tunnels
