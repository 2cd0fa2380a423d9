#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/interruption.hpp"
#include "cli/output/doctor_output.hpp"
#include "cli/output/recommendation.hpp"
#include "cli/scope.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/setup/scratch_directory.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

using Grade = backends::Fitness::Grade;

bool is_usable(const backends::AssessedBackend& assessed) { return assessed.fitness.grade != Grade::unavailable; }

bool is_allowed(const backends::AssessedBackend& assessed, const std::vector<std::string>& only) {
  return backends::is_in_choice(*assessed.backend, only);
}

/// The backend that setup would choose.
std::optional<std::size_t> choose(const std::vector<backends::AssessedBackend>& all, Scope scope,
                                  const std::vector<std::string>& only) {
  std::vector<backends::AssessedBackend> assessed_backends;
  std::ranges::copy_if(all, std::back_inserter(assessed_backends), [&](const backends::AssessedBackend& assessed) {
    return assessed.backend->scope() == scope && is_allowed(assessed, only);
  });
  assessed_backends = backends::ranked(std::move(assessed_backends));
  if (assessed_backends.empty() || !is_usable(assessed_backends.front())) return std::nullopt;
  const auto chosen = std::ranges::find(all, assessed_backends.front().backend, &backends::AssessedBackend::backend);
  return static_cast<std::size_t>(chosen - all.begin());
}

Result<Findings> examine_host(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, context.host));
  HOLDFAST_TRY(auto only, read_only_backends(context.variables));
  Findings findings{tunnels::look_at_host(context.host), context.host.self(), scope, std::move(only)};
  const auto& all = findings.host.backends;
  findings.choice = choose(all, scope, findings.only);
  findings.recommendation = recommendation(all, findings.choice ? &all[*findings.choice] : nullptr, scope);
  const bool one_scope = arguments.has("system") || arguments.has("user");
  findings.usable = std::ranges::any_of(all, [&](const backends::AssessedBackend& assessed) {
    return is_usable(assessed) && is_allowed(assessed, findings.only) &&
           (!one_scope || assessed.backend->scope() == scope);
  });
  return findings;
}

/// A failure that prevents all checks.
std::vector<ssh::Check> only_failed(const std::string& check, Diagnosis failure) {
  std::vector<ssh::Check> checks{{.what = check, .figure = {}, .failure = std::move(failure)}};
  for (const char* skipped : {"key usable", "bastion reached", "host key known", "key accepted",
                              "port free and allowed", "local target answering"})
    checks.push_back({.what = skipped, .figure = {}, .skipped = true});
  return checks;
}

/// The ports and the host key of existing tunnels to that bastion.
struct Existing {
  std::vector<Forward> held;            ///< a second request for them would be refused
  std::vector<std::string> held_by;     ///< their tunnels
  std::optional<fs::path> known_hosts;  ///< with the host key that one of them pinned
};

Existing existing_at(const tunnels::SetupRequest& request, const os::Host& host) {
  Existing existing;
  for (const auto& entry : store::load_all(host, request.paths)) {
    if (!entry.tunnel || (*entry.tunnel)->bastion != request.bastion) continue;
    const auto& tunnel = *entry.tunnel;
    if (!existing.known_hosts) existing.known_hosts = tunnel->known_hosts;
    const auto live =
        tunnels::read_live(tunnels::runtime_directory_of(tunnel, request.paths, host), entry.name, request.paths, host);
    if (live && store::holds_forwards(*live) && os::is_alive(host, live->supervisor))
      for (const Forward& forward : tunnel->forwards) {
        existing.held.push_back(forward);
        existing.held_by.push_back(entry.name.text());
      }
  }
  return existing;
}

Result<std::vector<ssh::Check>> check_bastion(const tunnels::SetupRequest& request, const ssh::Client& client,
                                              bool request_forwards, os::Host& host) {
  const Interruption guard;
  // The lock gives a private directory. No tunnel has this name.
  HOLDFAST_TRY(const auto name, TunnelName::parse(fmt::format("doctor.{}", ::getpid())));
  HOLDFAST_TRY(const auto lock, tunnels::NameLock::take(name, request.paths, host));
  HOLDFAST_TRY(const auto scratch_directory, tunnels::ScratchDirectory::make(lock.directory(), request.run_as, host));
  TunnelSpec spec{request.name, request.bastion, request.forwards, request.identity};
  spec.ssh_options = request.ssh_options;
  auto existing = existing_at(request, host);
  spec.known_hosts = std::move(existing.known_hosts);
  HOLDFAST_TRY(const auto tunnel, Tunnel::make(std::move(spec)));
  const ssh::PreflightRequest checks{.client = client,
                                     .run_as = request.run_as,
                                     .environment = ssh::job_environment(host, request.run_as),
                                     .scratch_directory = scratch_directory.path(),
                                     .held = std::move(existing.held),
                                     .held_by = std::move(existing.held_by),
                                     .every_check = true,
                                     .ask_forwards = request_forwards,
                                     .interrupted = Interruption::is_requested};
  HOLDFAST_TRY(auto report, ssh::preflight(host, tunnel, checks, {}));
  return std::move(report.checks);
}

Result<std::vector<ssh::Check>> examine_bastion(const tunnels::SetupRequest& request, const tunnels::HostFacts& facts,
                                                bool request_forwards, os::Host& host) {
  if (!facts.unresponsive_paths.empty()) {
    const auto error = tunnels::unresponsive_paths_error(facts.unresponsive_paths.front());
    return only_failed("home and PATH answering", {FailureClass::unknown, error.line(), error.hint});
  }
  if (!facts.ssh)
    return only_failed("ssh found", {FailureClass::ssh_missing, facts.ssh_problem->line(), facts.ssh_problem->hint});
  return check_bastion(request, *facts.ssh, request_forwards, host);
}

Result<ExitStatus> doctor(Context& context, const Arguments& arguments) {
  std::optional<tunnels::SetupRequest> request;
  if (arguments.has("bastion")) {
    HOLDFAST_TRY(request, read_check_request(context, arguments));
  } else {
    for (const auto& option : connection_options())
      if (const auto key = names_of(option).front(); arguments.has(key))
        return usage_error("option --" + key, "it needs a bastion to check", "add -b [USER@]HOST");
  }
  HOLDFAST_TRY(auto findings, examine_host(context, arguments));
  const bool json = arguments.has("json");
  auto& terminal = context.terminal;
  // Print what is known before the login, which takes time.
  if (!json) terminal.answer(host_text(findings, terminal.colours_out()));
  if (request) {
    findings.bastion = request->bastion.text();
    if (!json) terminal.answer("\nbastion " + *findings.bastion);
    (void)terminal.flush();
    HOLDFAST_TRY(findings.checks, examine_bastion(*request, findings.host.facts, arguments.has("port"), context.host));
    if (!json) terminal.answer(checks_text(findings, terminal.colours_out()));
  }
  if (json) terminal.answer(findings_json(findings));
  if (!findings.usable) return ExitStatus::no_backend;
  return findings.checks_passed() ? ExitStatus::done : ExitStatus::failed;
}

std::vector<Option> doctor_options() {
  std::vector<Option> options{{"bastion,b", "[USER@]HOST[:PORT]", "check this bastion too", false, Values::bastion}};
  options.insert(options.end(), connection_options().begin(), connection_options().end());
  options.push_back({"json", "", "print JSON; unknown values are null"});
  return options;
}

}  // namespace

const Command& doctor_command() {
  static const Command command{
      .name = "doctor",
      .synopsis = "[-b BASTION [OPTION…]]",
      .summary = "show which backends work here, and check a bastion",
      .description =
          "Prints a table of all backends: whether each works here, what a tunnel survives with it, and why. Below "
          "the table, it prints the backend that setup would choose, and the one change that would improve this host "
          "most. With -b it also runs every check that setup makes before it installs a tunnel. It skips a check that "
          "depends on a failed one.\n"
          "doctor changes nothing, neither here nor on the bastion. It reports anything that doesn't respond within "
          "two seconds.\n"
          "The exit status is 0 when a backend works and all checks passed, 5 when no backend works, and 1 when a "
          "check failed.",
      .options = doctor_options(),
      .run = doctor};
  return command;
}

}  // namespace holdfast::cli
