#include "tunnels/import/import.hpp"

#include "backends/backend.hpp"
#include "backends/text/login_hook_text.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/import/legacy_search.hpp"
#include "tunnels/import/successor.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace holdfast::tunnels {

using Outcome = Imported::Outcome;

std::string_view to_text(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::imported:
      return "imported";
    case Outcome::planned:
      return "planned";
    case Outcome::refused:
      return "refused";
    case Outcome::failed:
      break;
  }
  return "failed";
}

Result<std::vector<LegacyEntry>> Import::find() const {
  if (request_.run_as && request_.paths.scope != Scope::system)
    return usage_error("option --run-as", "only a tunnel of the system scope runs as another user");
  const LegacySearch search(request_.paths.scope, host_);
  if (request_.sources.empty() && !request_.crontab) return search.everything();
  std::vector<LegacyEntry> entries;
  for (const auto& source : request_.sources) {
    HOLDFAST_TRY(auto more, search.named(source));
    std::ranges::move(more, std::back_inserter(entries));
  }
  if (request_.crontab) {
    HOLDFAST_TRY(auto more, search.crontabs());
    std::ranges::move(more, std::back_inserter(entries));
  }
  return entries;
}

Imported Import::replace(LegacyEntry entry) {
  Imported result{std::move(entry)};
  std::optional<SetupRequest> request;
  bool exists = false;
  if (auto checked = check_source(result, request, exists); !checked) {
    result.error = std::move(checked).error();
    return result;
  }
  if (auto done = change(result, std::move(*request), exists); !done) {
    result.outcome = Outcome::failed;
    result.error = std::move(done).error();
  }
  return result;
}

/// Everything that can be refused before anything is changed.
Result<> Import::check_source(Imported& result, std::optional<SetupRequest>& request, bool& exists) const {
  const auto& source = result.source;
  if (!source.command) return source.command.error();
  HOLDFAST_TRY(request, setup_request(source));
  result.notes = (*source.command).notes;
  if (source.interrupted) result.notes.emplace_back("an earlier import of this line did not end");
  result.name = request->name.text();
  // A crontab line and a start-up file line often start the same tunnel: the second one finds it imported.
  exists = store::is_known(host_, request_.paths, request->name);
  if (exists) HOLDFAST_CHECK(check_successor(source, request->name, request_.paths, host_));
  return {};
}

namespace {

/// Lets the setup choose only among backends that survive as much as the legacy tunnel.
Result<> require_survival(const LegacyEntry& source, SetupRequest& request, const os::Host& host) {
  if (request.paths.scope != Scope::user) return {};  // the system scope has one backend, which survives everything
  const auto at_least = survival_of(source, host);
  const auto named = request.backend == "auto" ? request.only_backends : std::vector<std::string>{request.backend};
  std::string best_loss;
  std::vector<std::string> strong;
  for (const auto& [backend, fitness] : backends::rank(Scope::user, host, named)) {
    if (fitness.grade == backends::Fitness::Grade::unavailable) continue;
    const auto survives =
        backend->restarts_job() ? fitness.survives : backends::with_login_hook(fitness.survives, request.paths, host);
    const auto loss = survival_loss(at_least, survives);
    if (loss.empty()) strong.emplace_back(backend->name());
    if (!loss.empty() && best_loss.empty()) best_loss = fmt::format("{} {}", backend->name(), loss);
  }
  if (strong.empty() && !best_loss.empty())
    return Error{"importing", source.where, best_loss + ", but the tunnel that it would replace does better",
                 at_least.reboot.kind == Survival::Kind::yes ? "holdfast doctor shows how to enable a stronger backend"
                                                             : "holdfast hook --install, then import again"};
  // Without any the setup explains why.
  if (!strong.empty()) request.only_backends = std::move(strong);
  return {};
}

}  // namespace

Result<> Import::change(Imported& result, SetupRequest request, bool exists) {
  auto owner = host_.user();
  if (request_.paths.scope == Scope::system && result.source.user) {
    HOLDFAST_TRY(owner, host_.find_user(*result.source.user));
  }
  const auto legacy = make_legacy_tunnel(result.source, request.name, request_.paths.scope, std::move(owner), host_);
  if (exists) return retire_duplicate(result, request, *legacy);
  auto survives = require_survival(result.source, request, host_);
  if (survives && request_.dry_run) return plan(result, request, *legacy);
  if (!survives && result.source.interrupted && !request_.dry_run)
    return restored(std::move(survives).error(), result.source.where, *legacy);
  HOLDFAST_CHECK(survives);
  return set_up_successor(result, std::move(request), *legacy);
}

Result<SetupRequest> Import::setup_request(const LegacyEntry& source) const {
  const auto& command = *source.command;
  HOLDFAST_TRY(auto name, source.interrupted
                              ? Result<TunnelName>(*source.interrupted)
                              : TunnelName::parse(request_.name.value_or(command.forwards.front().short_text())));
  SetupRequest request{
      name, command.bastion, command.forwards, {}, command.ssh_options, request_.backend, {}, {}, request_.paths, {}};
  HOLDFAST_TRY(request.run_as, find_run_as(source));
  if (command.identity) {
    if (!command.identity->starts_with('/') && !command.identity->starts_with("~/"))
      return Error{"importing", source.where, "its key " + *command.identity + " is not an absolute path"};
    HOLDFAST_TRY(request.identity, resolve_identity(*command.identity, request.run_as.home, "/"));
  }
  request.only_backends = request_.only_backends;
  request.accept_new_host_key = request_.accept_new_host_key;
  request.held = command.forwards;
  return request;
}

Result<os::User> Import::find_run_as(const LegacyEntry& source) const {
  if (request_.paths.scope != Scope::system) return host_.user();
  if (host_.user().uid != 0)
    return Error{"importing", source.where, "it belongs to root", "sudo holdfast import " + source.where};
  const auto name = request_.run_as.value_or(source.user.value_or(""));
  if (name.empty() || (name == "root" && !request_.run_as))
    return Error{"importing", source.where, "it runs as root, and a tunnel doesn't need root",
                 "add --run-as USER; that user must be able to read the key"};
  return host_.find_user(name);
}

/// The tunnel exists and is verified. The check is repeated under the name's lock, so that no other command can stop
/// the tunnel meanwhile, and again after the legacy one has ended.
Result<> Import::retire_duplicate(Imported& result, const SetupRequest& request, LegacyTunnel& legacy) {
  result.notes.push_back("tunnel " + request.name.text() + " exists already");
  if (request_.dry_run) {
    result.outcome = Outcome::planned;
    for (auto& line : legacy.plan()) result.notes.push_back(std::move(line));
    return {};
  }
  const auto check = [&] { return check_successor(result.source, request.name, request_.paths, host_); };
  HOLDFAST_TRY(const auto lock, NameLock::take(request.name, request_.paths, host_));
  HOLDFAST_CHECK(check());
  auto done = legacy.stop();
  if (done) done = check();
  if (done) done = legacy.retire();
  if (!done) return restored(std::move(done).error(), result.source.where, legacy);
  result.outcome = Outcome::imported;
  return {};
}

Result<> Import::plan(Imported& result, const SetupRequest& request, const LegacyTunnel& legacy) {
  HOLDFAST_TRY(const auto steps, preview_setup(request, host_, observer_));
  auto lines = legacy.plan();
  lines.insert(lines.end(), steps.begin(), steps.end());
  result.outcome = Outcome::planned;
  result.notes.insert(result.notes.end(), lines.begin(), lines.end());
  return {};
}

Result<> Import::set_up_successor(Imported& result, SetupRequest request, LegacyTunnel& legacy) {
  bool stopped = result.source.interrupted.has_value();
  request.take_over = [&]() -> Result<> {
    stopped = true;
    HOLDFAST_CHECK(legacy.stop());
    observer_.step_done(result.source.where + " is stopped", "");
    return {};
  };
  if (auto done = run_setup(request, host_, observer_); !done) {
    auto error = std::move(done).error();
    return stopped ? restored(std::move(error), result.source.where, legacy) : error;
  }
  // The proof of its backend may have found less than the assessment.
  if (auto checked = check_successor(result.source, request.name, request_.paths, host_); !checked) {
    std::vector<std::string> report;
    auto error = std::move(checked).error();
    if (const auto removed = remove_tunnel(request.name, request_.paths, host_, report); !removed)
      error.cause += "; " + removed.error().line();
    return restored(std::move(error), result.source.where, legacy);
  }
  // The successor is up and stays, even when the legacy tunnel cannot be disabled.
  HOLDFAST_CHECK(legacy.retire());
  result.outcome = Outcome::imported;
  result.notes.push_back(fmt::format("to undo: holdfast remove{} {}, then {}", scope_words(request_.paths.scope, host_),
                                     *result.name, legacy.undo_text()));
  return {};
}

/// Restores the legacy tunnel. The error then also says what could not be restored.
Error Import::restored(Error error, const std::string& where, LegacyTunnel& legacy) {
  const auto problems = legacy.restore();
  if (problems.empty()) observer_.note(where + " is restored");
  for (const auto& problem : problems) error.cause += fmt::format("; restoring {} failed: {}", where, problem);
  return error;
}

}  // namespace holdfast::tunnels
