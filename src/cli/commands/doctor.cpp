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

bool may_be_taken(const backends::AssessedBackend& assessed, const std::vector<std::string>& only) {
  return backends::is_in_choice(*assessed.backend, only);
}

/// As setup would choose among them.
std::optional<std::size_t> choose(const std::vector<backends::AssessedBackend>& all, Scope scope,
                                  const std::vector<std::string>& only) {
  std::vector<backends::AssessedBackend> assessed_backends;
  std::ranges::copy_if(all, std::back_inserter(assessed_backends), [&](const backends::AssessedBackend& assessed) {
    return assessed.backend->scope() == scope && may_be_taken(assessed, only);
  });
  assessed_backends = backends::ranked(std::move(assessed_backends));
  if (assessed_backends.empty() || !is_usable(assessed_backends.front())) return std::nullopt;
  const auto taken = std::ranges::find(all, assessed_backends.front().backend, &backends::AssessedBackend::backend);
  return static_cast<std::size_t>(taken - all.begin());
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
    return is_usable(assessed) && may_be_taken(assessed, findings.only) &&
           (!one_scope || assessed.backend->scope() == scope);
  });
  return findings;
}

/// What cannot even be begun: its reason, and the checks that it stands in the way of.
std::vector<ssh::Check> only_failed(const std::string& what, Diagnosis why) {
  std::vector<ssh::Check> checks{{.what = what, .figure = {}, .failure = std::move(why)}};
  for (const char* step : {"key usable", "bastion reached", "host key known", "key accepted", "port free and allowed",
                           "local target answering"})
    checks.push_back({.what = step, .figure = {}, .skipped = true});
  return checks;
}

/// What tunnels of ours have at that bastion: forwards that would be refused if they were asked for again, and the host
/// key that one of them pinned.
struct Own {
  std::vector<Forward> held;
  std::optional<fs::path> known_hosts;
};

Own own_at_bastion(const tunnels::SetupRequest& request, const os::Host& host) {
  Own own;
  for (const auto& entry : store::load_all(host, request.paths)) {
    if (!entry.tunnel || (*entry.tunnel)->bastion != request.bastion) continue;
    const auto& tunnel = *entry.tunnel;
    if (!own.known_hosts) own.known_hosts = tunnel->known_hosts;
    const auto live =
        tunnels::read_live(tunnels::runtime_directory_of(tunnel, request.paths, host), entry.name, request.paths, host);
    if (live && live->state == store::TunnelState::up && os::is_alive(host, live->supervisor))
      own.held.insert(own.held.end(), tunnel->forwards.begin(), tunnel->forwards.end());
  }
  return own;
}

Result<std::vector<ssh::Check>> check_bastion(const tunnels::SetupRequest& request, const ssh::Client& client,
                                              bool ask_forwards, os::Host& host) {
  const Interruption guard;
  // The lock's directory is a private one, and goes with it; nobody else has this name.
  HOLDFAST_TRY(const auto name, TunnelName::parse(fmt::format("doctor.{}", ::getpid())));
  HOLDFAST_TRY(const auto lock, tunnels::NameLock::take(name, request.paths, host));
  HOLDFAST_TRY(const auto scratch_directory, tunnels::ScratchDirectory::make(lock.directory(), request.run_as, host));
  TunnelSpec spec{request.name, request.bastion, request.forwards, request.identity};
  spec.ssh_options = request.ssh_options;
  auto own = own_at_bastion(request, host);
  spec.known_hosts = std::move(own.known_hosts);
  HOLDFAST_TRY(const auto tunnel, Tunnel::make(std::move(spec)));
  const ssh::PreflightRequest checks{.client = client,
                                     .run_as = request.run_as,
                                     .environment = ssh::job_environment(host, request.run_as),
                                     .scratch_directory = scratch_directory.path(),
                                     .held = std::move(own.held),
                                     .every_check = true,
                                     .ask_forwards = ask_forwards,
                                     .interrupted = Interruption::is_requested};
  HOLDFAST_TRY(auto report, ssh::preflight(host, tunnel, checks, {}));
  return std::move(report.checks);
}

Result<std::vector<ssh::Check>> examine_bastion(const tunnels::SetupRequest& request, const tunnels::HostFacts& facts,
                                                bool ask_forwards, os::Host& host) {
  if (!facts.unresponsive_paths.empty()) {
    const auto error = tunnels::unresponsive_paths_error(facts.unresponsive_paths.front());
    return only_failed("home and PATH answering", {FailureClass::unknown, error.line(), error.hint});
  }
  if (!facts.ssh)
    return only_failed("ssh found", {FailureClass::ssh_missing, facts.ssh_problem->line(), facts.ssh_problem->hint});
  return check_bastion(request, *facts.ssh, ask_forwards, host);
}

Result<ExitStatus> doctor(Context& context, const Arguments& arguments) {
  std::optional<tunnels::SetupRequest> request;
  if (arguments.has("bastion")) {
    HOLDFAST_TRY(request, read_check_request(context, arguments));
  } else {
    for (const auto& option : way_options())
      if (const auto key = names_of(option).front(); arguments.has(key))
        return usage_error("option --" + key, "there is no bastion to check", "add -b [USER@]HOST");
  }
  HOLDFAST_TRY(auto findings, examine_host(context, arguments));
  const bool json = arguments.has("json");
  auto& terminal = context.terminal;
  // A login takes its time: what is known is shown before it.
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
  std::vector<Option> options{
      {"bastion,b", "[USER@]HOST[:PORT]", "check the way to this bastion too", false, Values::bastion}};
  options.insert(options.end(), way_options().begin(), way_options().end());
  options.push_back({"json", "", "print JSON; unknown values are null"});
  return options;
}

}  // namespace

const Command& doctor_command() {
  static const Command command{
      .name = "doctor",
      .synopsis = "[-b BASTION [OPTION…]]",
      .summary = "show which backends this host allows, and what would help",
      .description =
          "A table of every backend: whether it can be used here, what a tunnel would survive by it, and why. Below "
          "it, "
          "which one setup would take, and the one thing that would make this host stronger. With -b also every check "
          "that setup makes of a bastion before it installs anything; one that needs another that failed is skipped.\n"
          "It changes nothing, neither here nor at the bastion. What does not answer within two seconds is told as "
          "that.\n"
          "The exit status is 0 when a backend can be used and all checks passed, 5 when no backend can be used, 1 "
          "when "
          "a check failed.",
      .options = doctor_options(),
      .run = doctor};
  return command;
}

}  // namespace holdfast::cli
