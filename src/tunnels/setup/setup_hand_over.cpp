// Make before break with one port: the new supervisor is there and waits before the former one lets go.
#include "backends/host/stop_mark.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace holdfast::tunnels {

Result<bool> Setup::is_held_by(const backends::Backend& backend) const {
  const auto& previous = previous_.tunnel();
  if (!previous || previous_.half_moved() || (*previous)->backend != backend.name()) return false;
  HOLDFAST_TRY(const auto known, query_one(backend, previous_.installed_jobs().front().job, host_));
  return known.installed;
}

bool Setup::hands_over() const {
  return previous_.can_release() && previous_.installed_jobs().front().backend != backend_;
}

Result<> Setup::note_hand_over(const backends::Backend& successor) {
  const auto self = host_.process(::getpid());
  if (!self) return Error{"noting", "the move of tunnel " + request_.name.text(), "/proc cannot be read", ""};
  const auto& installed_job = previous_.installed_jobs().front();
  return store::keep_hand_over(host_, request_.paths, request_.name,
                               {*self, std::string(installed_job.backend->name()), std::string(successor.name()),
                                installed_job.job.runtime_dir, was_lingering_});
}

/// From then on it is the new one's; the former's supervisor is known by its live state.
backends::Plan Setup::take_pidfile() const {
  const auto& directory = previous_.installed_jobs().front().job.runtime_dir;
  return {backends::RemoveFile{store::runtime_files(request_.name, directory).pidfile}};
}

/// For a plan that is only shown: start() would find the former's process in the pidfile, and restart() begins by
/// ending it.
Result<backends::Plan> Setup::start_plan_beside_previous() const {
  if (backend_->restarts_job()) return backend_->start(installed_job().job, host_);
  HOLDFAST_TRY(auto plan, backend_->restart(installed_job().job, host_));
  std::erase_if(plan, [](const auto& step) { return std::holds_alternative<backends::Terminate>(step); });
  return plan;
}

Result<> Setup::hand_over() {
  const InstalledJob previous = previous_.installed_jobs().front();
  const auto supervisor = previous_.live()->supervisor;
  HOLDFAST_CHECK(note_hand_over(*backend_));
  HOLDFAST_CHECK(previous_.prepare_release(host_));
  handing_over_ = true;
  HOLDFAST_CHECK(apply(take_pidfile()));
  HOLDFAST_CHECK(install());
  HOLDFAST_CHECK(check_cancelled(observer_));
  HOLDFAST_TRY(const auto start, backend_->start(installed_job().job, host_));
  HOLDFAST_CHECK(apply(start));
  HOLDFAST_CHECK(wait_until_queued(installed_job(), supervisor, host_, observer_));
  HOLDFAST_CHECK(check_cancelled(observer_));
  observer_.step_done(fmt::format("{} is ready to take over", backend_->name()), "");

  replacing_ = true;
  const auto begin = host_.now();
  HOLDFAST_CHECK(previous_.release(host_));
  observer_.step_done(fmt::format("{} has let go", previous.backend->name()), "");
  HOLDFAST_CHECK(see_it_up(begin));
  HOLDFAST_CHECK(check_cancelled(observer_));

  if (is_others_too(*previous.backend)) return {};
  HOLDFAST_TRY(const auto removal, previous.backend->remove(request_.name, request_.paths, host_));
  HOLDFAST_CHECK(apply(removal));
  observer_.step_done(fmt::format("removed from {}", previous.backend->name()), "");
  return {};
}

/// The first half of handing back: the new one ends. What it took to install it is unwound next.
void Setup::take_back(std::vector<std::string>& leftovers) {
  const auto note = [&](const auto& done) {
    if (!done) leftovers.push_back(done.error().line());
  };
  if (replacing_) {
    note(stop_installed_jobs({installed_job()}, host_));
    // The mark that it is to stay down is for the backend that is being left.
    note(host_.remove_file(backends::stop_mark_file(request_.name, request_.paths)));
  } else if (const auto plan = release_plan(installed_job(), host_)) {
    // It waits, or never came; the former one's runtime files and ssh are not its to end.
    note(backends::apply(*plan, host_));
  }
}

Result<> Setup::forget_hand_over() {
  if (!previous_.existed() || request_.paths.scope == Scope::system) return {};
  // Only what succeeds clears up after a move that was cut short before.
  if (const auto& before = previous_.half_moved(); before && undone_)
    return store::keep_hand_over(host_, request_.paths, request_.name, *before);
  return host_.remove_file(store::hand_over_file(request_.paths, request_.name));
}

}  // namespace holdfast::tunnels
