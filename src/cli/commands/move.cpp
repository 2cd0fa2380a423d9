#include "cli/commands.hpp"
#include "cli/commands/setup.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/scope.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/own_directories.hpp"
#include "tunnels/selection.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// A move cannot change the scope: files, user and ssh configuration differ.
Result<> check_scope(const std::string& wanted, const TunnelName& name, Scope scope) {
  const auto* backend = backends::find_backend(wanted);
  if (backend == nullptr || backend->scope() == scope) return {};
  const std::string other = scope == Scope::user ? "sudo holdfast setup --system …" : "holdfast setup --user …";
  return usage_error("option --backend " + wanted,
                     fmt::format("it is for tunnels of the {} scope, and {} is one of the {} scope",
                                 to_text(backend->scope()), name.text(), to_text(scope)),
                     fmt::format("set it up there with another port: {}; then remove this one: holdfast remove{} {}",
                                 other, scope == Scope::system ? " --system" : "", name.text()));
}

/// Everything as in the tunnel's file.
tunnels::SetupRequest request_of(const Tunnel& tunnel, store::Paths paths, os::User run_as) {
  tunnels::SetupRequest request{tunnel->name, tunnel->bastion, tunnel->forwards, tunnel->identity, tunnel->ssh_options};
  request.engine = tunnel->engine;
  request.paths = std::move(paths);
  request.run_as = std::move(run_as);
  request.fallbacks = tunnel->fallbacks;
  request.move = true;
  return request;
}

/// A tunnel that is up needs no preflight.
bool is_up(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  const auto live = tunnels::read_live(tunnels::runtime_directory_of(tunnel, paths, host), tunnel->name, paths, host);
  return live && os::is_alive(host, live->supervisor) && store::holds_forwards(*live);
}

Result<ExitStatus> move_tunnel(Context& context, const Arguments& arguments) {
  auto& host = context.host;
  if (arguments.operands().empty())
    return usage_error("the command line", "the name of the tunnel to move is missing",
                       "holdfast status lists the names");
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, host));
  HOLDFAST_CHECK(tunnels::require_own_directories(paths, host));
  HOLDFAST_TRY(const auto names, tunnels::named_tunnels(arguments.operands(), host, paths));
  HOLDFAST_TRY(const auto tunnel, store::load(host, paths, names.front()));
  HOLDFAST_CHECK(check_scope(arguments.one("backend").value_or("auto"), tunnel->name, paths.scope));
  HOLDFAST_TRY(auto run_as, tunnels::find_job_user(tunnel, paths, host));
  auto request = request_of(tunnel, paths, std::move(run_as));
  HOLDFAST_TRY(request.backend, read_backend(arguments, paths.scope));
  HOLDFAST_TRY(request.only_backends, read_only_backends(context.variables));
  request.preflight = !is_up(tunnel, paths, host);
  return execute(context, arguments, request);
}

}  // namespace

const Command& move_command() {
  static const Command command{
      .name = "move",
      .synopsis = "NAME [--backend BACKEND]",
      .summary = "move a tunnel to another backend",
      .description =
          "First, holdfast tests, installs and starts the new backend, and lets it wait. Then it stops the old "
          "backend, verifies the tunnel end to end, and uninstalls the old backend. If a step fails, or on Ctrl-C, "
          "the old backend takes over again and nothing of the new one is left.\n"
          "With auto, or without --backend, holdfast uses the most durable backend that works here. It changes "
          "nothing else of the tunnel, except a runtime directory that would vanish at logout. It starts a stopped "
          "tunnel.\n"
          "The exit status is 4 when there is no such tunnel, 5 when the backend cannot be used, 1 for any other "
          "failure.",
      .options = {{"backend", "NAME", "auto (the most durable that works here), or a backend's name", false,
                   Values::backend},
                  {"dry-run", "", "print every file and command in full, and change nothing"},
                  {"json", "", "print the tunnel as JSON, with \"changed\""}},
      .most_operands = 1,
      .operands = Values::tunnel,
      .run = move_tunnel};
  return command;
}

}  // namespace holdfast::cli
