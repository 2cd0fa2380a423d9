// A tunnel that runs and is only to have other forwards keeps its connection, and the sessions through it.
#include "backends/plan/apply.hpp"
#include "core/timestamp.hpp"
#include "store/tunnel_file.hpp"
#include "supervisor/forwards_change.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::milliseconds k_timeout{30000};

}  // namespace

Result<std::optional<backends::Step>> Setup::find_forwards_change() {
  const std::optional<backends::Step> none;
  const auto& previous = previous_.tunnel();
  if (!previous || !previous_.live() || previous_.installed_jobs().size() != 1) return none;
  if (request_.move || previous_.half_moved()) return none;
  if (request_.backend != "auto" && request_.backend != (*previous)->backend) return none;
  const InstalledJob& held = previous_.installed_jobs().front();
  HOLDFAST_TRY(const auto changed, wanted(*held.backend, held.job.runtime_dir));
  if (changed->forwards == (*previous)->forwards || supervisor::needs_new_login(*previous, changed)) return none;
  HOLDFAST_TRY(const auto install, held.backend->install(held.job, host_));
  for (const auto& step : install)
    if (!backends::is_in_place(step, host_)) return none;

  tunnel_ = changed;
  backend_ = held.backend;
  return std::optional<backends::Step>{backends::WriteFile{request_.paths.tunnel_file(request_.name),
                                                           store::format_tunnel(changed), request_.paths.file_mode,
                                                           request_.paths.directory_mode}};
}

Result<bool> Setup::change_forwards() {
  HOLDFAST_TRY(const auto file, find_forwards_change());
  if (!file) return false;
  const InstalledJob& held = previous_.installed_jobs().front();
  const auto begin = host_.now();
  HOLDFAST_CHECK(apply({*file}));
  auto taken = await_change();
  if (taken) {
    observer_.step_done("forwards changed", "the connection stayed");
    taken = check_cancelled(observer_);
  }
  if (!taken) {
    Error error = undo(std::move(taken).error());
    // The file is as it was; the supervisor is to see that too. What was open before never closed.
    (void)wait_until_reread(held, host_, k_timeout);
    return error;
  }
  outcome_.took = std::chrono::duration_cast<std::chrono::milliseconds>(host_.now() - begin);
  return true;
}

Result<> Setup::await_change() {
  const auto begin = host_.now();
  HOLDFAST_CHECK(wait_until_reread(installed_job(), host_, k_timeout));
  HOLDFAST_TRY(const auto arrival, wait_until_up(installed_job(), {}, host_, k_timeout, observer_));
  if (!arrival.up && !arrival.standing_by) {
    const auto subject = "tunnel " + request_.name.text();
    if (arrival.failure) return error_from("changing", subject, *arrival.failure);
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(host_.now() - begin);
    return Error{"changing", subject, fmt::format("it was not up again after {}", duration_text(waited)),
                 "holdfast logs " + request_.name.text()};
  }
  outcome_.standing_by = arrival.standing_by;
  if (arrival.up && !arrival.verified)
    outcome_.unverified = arrival.failure.value_or(
        Diagnosis{FailureClass::unknown, "the bastion does not let the tunnel be looked through", ""});
  return {};
}

}  // namespace holdfast::tunnels
