#include "backends/host/logind.hpp"
#include "store/host_settings.hpp"
#include "store/installation_record.hpp"
#include "tunnels/ownership.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::milliseconds k_timeout{30000};

std::chrono::milliseconds milliseconds_since(std::chrono::steady_clock::time_point begin, const os::Host& host) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(host.now() - begin);
}

}  // namespace

bool Setup::needs_linger() const {
  if (backend_->name() == "systemd-user") return true;
  // A process that only lingering keeps from its user's last logout; what the machine itself starts again needs none.
  if (request_.paths.scope == Scope::system || survives_.logout.kind != Survival::Kind::yes) return false;
  if (survives_.reboot.kind == Survival::Kind::yes) return false;
  return backends::control_group(host_, 0) == backends::ControlGroup::user_manager ||
         backends::kills_user_processes(host_, host_.user());
}

Result<> Setup::change_host() {
  // Noted before anything is installed, so that a setup that is cut short can still be removed without a trace.
  // What a move turned on that was cut short is known from here on, and goes off if it is not needed.
  const bool left_on = previous_.half_moved() && !previous_.half_moved()->was_lingering;
  const auto use = left_on ? store::LingerUse::turned_on : store::LingerUse::as_before;
  HOLDFAST_CHECK(store::add_to_record(host_, request_.paths, request_.name, {}, use));
  const bool user_scope = request_.paths.scope == Scope::user;
  if (user_scope && previous_.can_release())
    HOLDFAST_CHECK(note_hand_over(*previous_.installed_jobs().front().backend));
  HOLDFAST_CHECK(choose_backend());
  HOLDFAST_CHECK(check_cancelled(observer_));
  if (request_.move) {
    HOLDFAST_TRY(const bool held, is_held_by(*backend_));
    if (held) return stay();
  }
  if (hands_over()) {
    HOLDFAST_CHECK(hand_over());
  } else {
    if (!previous_.half_moved()) HOLDFAST_CHECK(forget_hand_over());
    HOLDFAST_CHECK(replace_previous());
    HOLDFAST_CHECK(check_cancelled(observer_));
    HOLDFAST_CHECK(install());
    HOLDFAST_CHECK(check_cancelled(observer_));
    if (request_.take_over) HOLDFAST_CHECK(request_.take_over());
    HOLDFAST_CHECK(start());
    HOLDFAST_CHECK(check_cancelled(observer_));  // who hears that it is not verified may call it off
  }
  HOLDFAST_CHECK(record_changes());
  return forget_hand_over();
}

/// `move --backend auto`, and what holds it is the strongest: unless its proof could turn linger on, nothing changes.
Result<> Setup::stay() {
  outcome_.changed = !was_lingering_ && backends::is_lingering(host_, host_.user());
  if (outcome_.changed) HOLDFAST_CHECK(record_changes());
  return forget_hand_over();
}

Result<> Setup::choose_backend() {
  // Proofs need a job to prove; where its runtime files will be depends on what they find.
  HOLDFAST_TRY(const auto provisional, wanted(*assessed_backends_.front().backend,
                                              request_.paths.scope == Scope::system
                                                  ? store::system_runtime_directory(request_.name)
                                                  : store::runtime_directory_candidates(host_, false).front()));
  const auto job = make_job(provisional, request_.paths, request_.run_as, host_);
  HOLDFAST_TRY(auto chosen, prove_best(std::move(assessed_backends_), job, host_, passed_over_));
  applied_.append(std::move(chosen.proof));
  backend_ = chosen.assessed.backend;
  survives_ = survives_here(chosen.assessed);
  HOLDFAST_TRY(const auto runtime_dir, runtime_directory_for(*backend_, true));
  HOLDFAST_TRY(tunnel_, wanted(*backend_, runtime_dir));
  tell_choice();
  if (survives_.reboot.kind != Survival::Kind::yes)
    if (const auto& remedy = chosen.assessed.fitness.remedy) observer_.step_warned("it could be stronger", *remedy);
  return {};
}

Result<> Setup::replace_previous() {
  replacing_ = true;
  if (!previous_.was_here()) return {};
  HOLDFAST_CHECK(previous_.stop(host_));
  for (const auto& old : previous_.installed_jobs()) {
    if (old.backend == backend_) continue;
    if (is_others_too(*old.backend)) continue;
    HOLDFAST_TRY(const auto plan, old.backend->remove(request_.name, request_.paths, host_));
    HOLDFAST_CHECK(apply(plan));
  }
  observer_.step_done("former tunnel stopped", "");
  return {};
}

/// Carries a plan out, to be unwound with all the others.
Result<> Setup::apply(const backends::Plan& plan) {
  for (const auto& step : plan) observer_.detail(backends::describe(step));
  const auto edits = backends::due_edits(plan, host_);
  HOLDFAST_TRY(auto applied, backends::apply(plan, host_));
  applied_.append(std::move(applied));
  for (const auto& edit : edits)
    observer_.step_done(fmt::format("{} {}", edit.label, edit.lines ? "put into" : "taken out of"), edit.file.string());
  return {};
}

Result<> Setup::install() {
  HOLDFAST_TRY(const auto plan, install_plan());
  // Noted before they are made: whoever is killed in between leaves nothing that remove does not know of.
  HOLDFAST_CHECK(store::add_to_record(host_, request_.paths, request_.name, backends::directories_to_make(plan, host_),
                                      store::LingerUse::as_before));
  HOLDFAST_CHECK(apply(plan));
  for (const auto& step : plan)
    if (const auto* file = std::get_if<backends::WriteFile>(&step)) observer_.step_done("written", file->path.string());
  return {};
}

Result<> Setup::start() {
  const auto begin = host_.now();
  HOLDFAST_TRY(const auto plan, backend_->start(installed_job().job, host_));
  HOLDFAST_CHECK(apply(plan));
  observer_.step_done("started", fmt::format("in {} ms", milliseconds_since(begin, host_).count()));
  return see_it_up(begin);
}

Result<> Setup::see_it_up(TimePoint since) {
  const auto previous = previous_.live() ? std::optional(previous_.live()->supervisor) : std::nullopt;
  HOLDFAST_TRY(auto arrival, wait_until_up(installed_job(), previous, host_, k_timeout, observer_));
  outcome_.took = milliseconds_since(since, host_);
  outcome_.standing_by = arrival.standing_by;
  const auto subject = "tunnel " + request_.name.text();
  if (arrival.standing_by) return {};
  if (arrival.up) {
    if (!arrival.verified) {
      outcome_.unverified = arrival.failure.value_or(
          Diagnosis{FailureClass::unknown, "the bastion does not let the tunnel be looked through", ""});
      if (request_.take_over) {
        observer_.step_failed("verified end to end");
        auto failure = *outcome_.unverified;
        failure.message = "it is up, but not verified end to end: " + failure.message;
        return error_from(doing(), subject, failure);
      }
      observer_.step_warned("up, but not verified end to end", outcome_.unverified->message);
    }
    return {};
  }
  observer_.step_failed("verified end to end");
  if (arrival.failure) return error_from(doing(), subject, *arrival.failure);
  return Error{doing(), subject, fmt::format("it was started, and was not up after {} s", k_timeout.count() / 1000),
               "run it with -v, and without --no-preflight"};
}

Result<> Setup::record_changes() {
  std::vector<std::string> report;
  for (const auto& old : previous_.installed_jobs())
    if (old.job.runtime_dir != *(*tunnel_)->runtime_dir)
      HOLDFAST_CHECK(clear_runtime(request_.name, old.job.runtime_dir, host_, report));
  auto use = store::LingerUse::none;
  if (needs_linger() && backends::is_lingering(host_, host_.user()))
    use = was_lingering_ ? store::LingerUse::needed : store::LingerUse::turned_on;
  HOLDFAST_CHECK(forget_previous_name(use, report));
  HOLDFAST_CHECK(store::add_to_record(host_, request_.paths, request_.name, applied_.made_directories(), use));
  HOLDFAST_TRY(const bool idle, store::take_idle_linger(host_, request_.paths));
  if (idle)
    if (auto off = turn_linger_off(host_, report); !off) observer_.warn(off.error().line());
  for (const auto& line : report) observer_.detail(line);
  return {};
}

/// A user unit lies in the home: where other hosts have the tunnel, it is theirs as well.
bool Setup::is_others_too(const backends::Backend& backend) const {
  const auto& previous = previous_.tunnel();
  return backend.name() == "systemd-user" && previous && store::is_shared(*previous, request_.paths) &&
         !store::other_hosts_with(host_, request_.paths, request_.name).empty();
}

/// This machine had another name when the tunnel was set up: what it kept under that one goes, and what it did there is
/// still ours to undo one day.
Result<> Setup::forget_previous_name(store::LingerUse& use, std::vector<std::string>& report) {
  const auto& previous = previous_.tunnel();
  if (!previous || !is_renamed(*previous, host_) || request_.paths.scope != Scope::user) return {};
  auto there = request_.paths;
  there.state = there.state.parent_path() / store::host_directory_name((*previous)->host);
  HOLDFAST_CHECK(clear_state(request_.name, there, host_, report));
  HOLDFAST_TRY(const auto undo, store::drop_from_record(host_, there, request_.name));
  if (undo.linger_off && use == store::LingerUse::needed) use = store::LingerUse::turned_on;
  (void)host_.remove_empty_directory(there.state);
  return store::add_to_record(host_, request_.paths, request_.name, undo.directories, use);
}

Error Setup::undo(Error error) {
  undone_ = true;
  std::vector<std::string> leftovers;
  if (handing_over_) {
    take_back(leftovers);
  } else if (replacing_) {
    if (auto stopped = stop_installed_jobs({installed_job()}, host_); !stopped)
      leftovers.push_back(stopped.error().line());
  }
  for (auto& line : applied_.unwind(host_)) leftovers.push_back(std::move(line));
  std::vector<std::string> report;
  if (previous_.was_here()) {
    if (tunnel_ && !previous_.lives_in(*(*tunnel_)->runtime_dir))
      if (auto cleared = clear_runtime(request_.name, *(*tunnel_)->runtime_dir, host_, report); !cleared)
        leftovers.push_back(cleared.error().line());
    if (auto back = previous_.bring_back(host_); !back) leftovers.push_back(back.error().line());
    if (auto forgotten = forget_hand_over(); !forgotten) leftovers.push_back(forgotten.error().line());
  } else {
    std::vector<fs::path> directories;
    if (tunnel_) directories.push_back(*(*tunnel_)->runtime_dir);
    auto forgotten = forget_tunnel(request_.name, directories, request_.paths, host_, true, report);
    if (!forgotten) leftovers.push_back(forgotten.error().line());
  }
  if (leftovers.empty())
    observer_.note(!previous_.was_here()     ? "undone; nothing was changed"
                   : previous_.was_running() ? "undone; the former tunnel runs again"
                                             : "undone; the former tunnel is as it was");
  for (const auto& line : leftovers) observer_.warn("it could not be undone: " + line);
  return error;
}

}  // namespace holdfast::tunnels
