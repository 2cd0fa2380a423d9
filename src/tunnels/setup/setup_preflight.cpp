#include "core/text.hpp"
#include "ssh/preflight/preflight.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/machine/backoff.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/setup/scratch_directory.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

#include <algorithm>

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

bool share_a_port(const Tunnel& one, const Tunnel& other) {
  return std::ranges::any_of(one->forwards, [&](const Forward& forward) {
    return std::ranges::find(other->forwards, forward.listen(), &Forward::listen) != other->forwards.end();
  });
}

/// "Somebody else" on the bastion may well be another tunnel of the same user's, here or on another host of this home.
std::optional<Diagnosis> explain_own_holder(const Tunnel& wanted, const store::Paths& paths, const os::Host& host) {
  for (const auto& entry : store::load_all(host, paths)) {
    if (entry.name == wanted->name || !entry.tunnel || !share_a_port(wanted, *entry.tunnel)) continue;
    const Tunnel& other = *entry.tunnel;
    const auto live = read_live(runtime_directory_of(other, paths, host), entry.name, paths, host);
    const bool far = is_elsewhere(other, host);
    if (other->bastion != wanted->bastion || (!far && (!live || live->state != store::TunnelState::up))) continue;
    const auto where = far ? fmt::format(" of host {}", printable(other->host)) : std::string();
    return Diagnosis{FailureClass::forward_busy,
                     fmt::format("the port on {} is taken by your own tunnel {}{}", wanted->bastion.text(),
                                 entry.name.text(), where),
                     "take another port; or change that tunnel: -n " + entry.name.text()};
  }
  return std::nullopt;
}

}  // namespace

Result<> Setup::preflight(const fs::path& lock_directory) {
  HOLDFAST_TRY(const auto scratch_directory, ScratchDirectory::make(lock_directory, request_.run_as, host_));
  // The backend does not matter to ssh; nothing has chosen the runtime directory yet.
  HOLDFAST_TRY(const auto tunnel, wanted(*assessed_backends_.front().backend, scratch_directory.path()));
  std::optional<Diagnosis> down;
  bool any = false;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at) {
    HOLDFAST_TRY(const auto failure, check_bastion(tunnel, at, scratch_directory.path()));
    if (failure && !is_down(*failure)) return error_from(doing(), "tunnel " + request_.name.text(), *failure);
    any = any || !failure;
    if (failure && !down) down = failure;
  }
  if (!any) return error_from(doing(), "tunnel " + request_.name.text(), *down);
  return {};
}

Result<std::optional<Diagnosis>> Setup::check_bastion(const Tunnel& tunnel, std::size_t at,
                                                      const fs::path& scratch_directory) {
  const Tunnel way = tunnel.via_bastion(at);
  ssh::PreflightRequest checks{.client = *client_,
                               .run_as = request_.run_as,
                               .environment = ssh::job_environment(host_, request_.run_as),
                               .scratch_directory = scratch_directory,
                               .accept_new_host_key = request_.accept_new_host_key,
                               .interrupted = [this] { return observer_.is_cancelled(); }};
  const auto& previous = previous_.tunnel();
  if (previous && previous_.holds_forwards() && previous_.bastion() == way->bastion.text())
    checks.held = (*previous)->forwards;
  checks.held.insert(checks.held.end(), request_.held.begin(), request_.held.end());
  checks.may_stand_by = previous && (*previous)->host == k_any_host && tunnel->host == k_any_host;

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
  if (report.failure && report.failure->failure == FailureClass::forward_busy)
    if (auto own = explain_own_holder(way, request_.paths, host_)) return own;
  return report.failure;
}

}  // namespace holdfast::tunnels
