#include "core/text.hpp"
#include "ssh/preflight.hpp"
#include "supervisor/backoff.hpp"
#include "tunnels/scratch.hpp"
#include "tunnels/setup.hpp"

namespace holdfast::tunnels {
namespace {

/// One that cannot be reached today is no reason against a tunnel that has others; one that refuses it is.
bool is_down(const Diagnosis& failure) {
  return supervisor::urgency_of(failure.failure) == supervisor::Urgency::soon ||
         failure.failure == FailureClass::refused || failure.failure == FailureClass::closed;
}

/// What was pinned before is among the lines of each bastion.
std::string with_lines(std::string text, const std::string& more) {
  for (const std::string& line : split(more, '\n'))
    if (!line.empty() && text.find(line + "\n") == std::string::npos) text += line + "\n";
  return text;
}

}  // namespace

Result<> Setup::preflight(const fs::path& lock_directory) {
  HOLDFAST_TRY(const auto scratch, Scratch::make(lock_directory, request_.run_as, host_));
  // The backend does not matter to ssh; nothing has chosen the runtime directory yet.
  HOLDFAST_TRY(const auto tunnel, wanted(*candidates_.front().backend, scratch.path()));
  std::optional<Diagnosis> down;
  bool any = false;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at) {
    HOLDFAST_TRY(const auto failure, check_bastion(tunnel, at, scratch.path()));
    if (failure && !is_down(*failure)) return error_from(doing(), "tunnel " + request_.name.text(), *failure);
    any = any || !failure;
    if (failure && !down) down = failure;
  }
  if (!any) return error_from(doing(), "tunnel " + request_.name.text(), *down);
  return {};
}

Result<std::optional<Diagnosis>> Setup::check_bastion(const Tunnel& tunnel, std::size_t at, const fs::path& scratch) {
  const Tunnel way = tunnel.by_way_of(at);
  ssh::PreflightRequest checks{.client = *client_,
                               .run_as = request_.run_as,
                               .environment = ssh::job_environment(host_, request_.run_as),
                               .scratch = scratch,
                               .accept_new_host_key = request_.accept_new_host_key,
                               .interrupted = [this] { return observer_.is_cancelled(); }};
  const auto& former = former_.tunnel();
  if (former && former_.holds_forwards() && former_.bastion() == way->bastion.text()) checks.held = (*former)->forwards;
  checks.held.insert(checks.held.end(), request_.held.begin(), request_.held.end());
  checks.may_stand_by = former && (*former)->host == k_any_host && tunnel->host == k_any_host;

  const bool several = tunnel.bastions() > 1;
  const std::string before = several ? way->bastion.text() + ": " : "";
  HOLDFAST_TRY(const auto report, ssh::preflight(host_, way, checks, [&](const ssh::Check& check) {
                 if (!check.failure)
                   observer_.step_done(before + check.what, check.figure);
                 else if (check.warning || (several && is_down(*check.failure)))
                   observer_.step_warned(before + check.what, check.failure->message);
                 else
                   observer_.step_failed(before + check.what);
               }));
  if (!report.failure && report.pinned_key) {
    pin_ = with_lines(pin_.value_or(""), report.pinned_lines);
    observer_.step_done(before + "host key accepted and pinned", *report.pinned_key);
  }
  return report.failure;
}

}  // namespace holdfast::tunnels
