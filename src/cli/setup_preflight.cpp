#include "cli/interruption.hpp"
#include "cli/scratch.hpp"
#include "cli/setup.hpp"
#include "ssh/preflight.hpp"

namespace holdfast::cli {
Result<> Setup::preflight(const fs::path& lock_directory) {
  HOLDFAST_TRY(const auto scratch, Scratch::make(lock_directory, request_.run_as, host_));
  // The backend does not matter to ssh; nothing has chosen the runtime directory yet.
  HOLDFAST_TRY(const auto tunnel, wanted(*candidates_.front().backend, scratch.path()));
  ssh::PreflightRequest checks{.client = *client_,
                               .run_as = request_.run_as,
                               .environment = ssh::job_environment(host_, request_.run_as),
                               .scratch = scratch.path(),
                               .accept_new_host_key = request_.accept_new_host_key,
                               .interrupted = Interruption::is_requested};
  const auto& former = former_.tunnel();
  if (former && former_.holds_forwards() && (*former)->bastion == request_.bastion) checks.held = (*former)->forwards;
  checks.held.insert(checks.held.end(), request_.held.begin(), request_.held.end());
  checks.may_stand_by = former && (*former)->host == k_any_host && tunnel->host == k_any_host;

  auto& terminal = context_.terminal;
  HOLDFAST_TRY(const auto report, ssh::preflight(host_, tunnel, checks, [&](const ssh::Check& check) {
                 if (!check.failure)
                   terminal.step_done(check.what, check.figure);
                 else if (check.warning)
                   terminal.step_warned(check.what, check.failure->message);
                 else
                   terminal.step_failed(check.what);
               }));
  if (report.failure)
    return error_from(doing(), "tunnel " + request_.name.text(), *report.failure);
  if (report.pinned_key) {
    pin_ = report.pinned_lines;
    terminal.step_done("host key accepted and pinned", *report.pinned_key);
  }
  return {};
}

}  // namespace holdfast::cli
