#include "tunnels/setup/bastion_checks.hpp"

#include "core/text.hpp"
#include "ssh/preflight/preflight.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/machine/backoff.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/setup/planner.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {
namespace {

/// A bastion that cannot be reached today does not stop the setup of a tunnel that has others. One that refuses does.
bool is_down(const Diagnosis& failure) {
  const FailureClass retried_as = failure.retry_class();
  return supervisor::urgency_of(retried_as) == supervisor::Urgency::soon || retried_as == FailureClass::refused ||
         retried_as == FailureClass::closed;
}

/// Adds the lines that `text` lacks: each bastion's lines repeat the lines pinned before.
std::string with_lines(std::string text, const std::string& more) {
  for (const std::string& line : split(more, '\n'))
    if (!line.empty() && text.find(line + "\n") == std::string::npos) text += line + "\n";
  return text;
}

bool share_a_port(const Tunnel& tunnel, const Tunnel& other) {
  return std::ranges::any_of(tunnel->forwards, [&](const Forward& forward) {
    return std::ranges::find(other->forwards, forward.listen(), &Forward::listen) != other->forwards.end();
  });
}

/// The port may be in use by another tunnel of the same user, here or on another host of this home.
std::optional<Diagnosis> find_own_conflict(const Tunnel& wanted, const store::Paths& paths, const os::Host& host) {
  for (const auto& entry : store::load_all(host, paths)) {
    if (entry.name == wanted->name || !entry.tunnel || !share_a_port(wanted, *entry.tunnel)) continue;
    const Tunnel& other = *entry.tunnel;
    const auto live = read_live(runtime_directory_of(other, paths, host), entry.name, paths, host);
    const bool elsewhere = is_elsewhere(other, host);
    if (other->bastion != wanted->bastion || (!elsewhere && (!live || !store::holds_forwards(*live)))) continue;
    const auto where = elsewhere ? fmt::format(" of host {}", printable(other->host)) : std::string();
    return Diagnosis{FailureClass::forward_busy,
                     fmt::format("the port on {} is in use by your own tunnel {}{}", wanted->bastion.text(),
                                 entry.name.text(), where),
                     "choose another port, or change that tunnel with -n " + entry.name.text()};
  }
  return std::nullopt;
}

/// A warning is one line.
std::string with_hint(const Diagnosis& problem) {
  return problem.message + (problem.hint.empty() ? "" : "; " + problem.hint);
}

class BastionChecks {
 public:
  BastionChecks(const SetupRequest& request, const SetupFacts& facts, const Tunnel& tunnel, const ssh::Client& client,
                os::Host& host, Observer& observer)
      : request_(request), facts_(facts), tunnel_(tunnel), client_(client), host_(host), observer_(observer) {}

  /// Why the tunnel cannot be up via that bastion, or nothing. Adds an accepted host key to `pinned`.
  Result<std::optional<Diagnosis>> check(std::size_t at, std::optional<std::string>& pinned) const {
    const Tunnel via = tunnel_.via_bastion(at);
    const bool several = tunnel_.bastions() > 1;
    const std::string prefix = several ? via->bastion.text() + ": " : "";
    HOLDFAST_TRY(auto report, ssh::preflight(host_, via, checks(via), [&](const ssh::Check& check) {
                   if (!check.failure)
                     observer_.step_done(prefix + check.what, check.figure);
                   else if (check.warning || (several && is_down(*check.failure)))
                     observer_.step_warned(prefix + check.what, with_hint(*check.failure));
                   else
                     observer_.step_failed(prefix + check.what);
                 }));
    if (!report.failure && report.pinned_key) {
      pinned = with_lines(pinned.value_or(""), report.pinned_lines);
      observer_.step_done(prefix + "host key accepted and pinned", *report.pinned_key);
    }
    if (report.failure && report.failure->failure == FailureClass::forward_busy)
      if (auto own = find_own_conflict(via, request_.paths, host_)) return own;
    return std::move(report.failure);
  }

 private:
  [[nodiscard]] ssh::PreflightRequest checks(const Tunnel& via) const {
    ssh::PreflightRequest checks{.client = client_,
                                 .run_as = request_.run_as,
                                 .environment = ssh::job_environment(host_, request_.run_as),
                                 .scratch_directory = *tunnel_->runtime_dir,
                                 .accept_new_host_key = request_.accept_new_host_key,
                                 .interrupted = [this] { return observer_.is_cancelled(); }};
    const auto& previous = facts_.previous;
    if (previous.tunnel && previous.holds_forwards && previous.bastion == via->bastion.text())
      checks.held = (*previous.tunnel)->forwards;
    checks.held.insert(checks.held.end(), request_.held.begin(), request_.held.end());
    checks.may_stand_by = previous.tunnel && (*previous.tunnel)->host == k_any_host && tunnel_->host == k_any_host;
    return checks;
  }

  const SetupRequest& request_;
  const SetupFacts& facts_;
  const Tunnel& tunnel_;
  const ssh::Client& client_;
  os::Host& host_;
  Observer& observer_;
};

}  // namespace

Result<std::optional<std::string>> check_bastions(const SetupRequest& request, const SetupFacts& facts,
                                                  const Tunnel& tunnel, const ssh::Client& client, os::Host& host,
                                                  Observer& observer) {
  const auto subject = "tunnel " + request.name.text();
  const BastionChecks checks(request, facts, tunnel, client, host, observer);
  std::optional<std::string> pinned;
  std::optional<Diagnosis> down;
  bool is_any_up = false;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at) {
    HOLDFAST_TRY(const auto failure, checks.check(at, pinned));
    if (failure && !is_down(*failure)) return error_from(doing(request), subject, *failure);
    is_any_up = is_any_up || !failure;
    if (failure && !down) down = failure;
  }
  if (!is_any_up) return error_from(doing(request), subject, *down);
  return pinned;
}

}  // namespace holdfast::tunnels
