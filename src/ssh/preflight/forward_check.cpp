#include "core/text.hpp"
#include "ssh/client/login.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/mux/mux_client.hpp"
#include "ssh/preflight/preflight_run.hpp"
#include "ssh/remote/remote_query.hpp"

#include <algorithm>

namespace holdfast::ssh {
namespace {

using std::chrono::steady_clock;

constexpr mux::Deadline k_open_timeout{10'000};
constexpr mux::Deadline k_close_timeout{1'000};
constexpr std::chrono::milliseconds k_exit_timeout{1'000};

bool is_tcp(const Forward& forward) { return std::holds_alternative<TcpEnd>(forward.listen()); }

Result<mux::Answer> request_forward(PreflightRun& run, const Forward& forward) {
  std::optional<mux::Answer> answer;
  mux::MuxClient client(run.context, run.login->control());
  client.open_forward(forward, k_open_timeout, [&](mux::Answer reply) { answer = std::move(reply); });
  HOLDFAST_CHECK(run.run_until([&] { return answer.has_value(); }));
  return std::move(*answer);
}

void report_refusal(PreflightRun& run, const std::string& name, const Forward& forward, bool denied) {
  if (!denied && run.request.may_stand_by) return run.checks.pass(name, "another host has it: this one stands by");
  run.checks.fail(name,
                  explain(denied ? FailureClass::forward_denied : FailureClass::forward_busy, run.tunnel, forward));
}

/// An ssh that ends closes its control socket before it writes the reason.
void report_lost_login(PreflightRun& run, const std::string& name) {
  const bool ended = run.login->ends_within(k_exit_timeout);
  auto diagnosis = diagnose(run.login->output(), run.tunnel);
  if (!diagnosis || diagnosis->failure == FailureClass::unknown) {
    diagnosis = explain(FailureClass::dead_peer, run.tunnel);
    if (!ended) diagnosis->hint = k_hint_for_lost_packets;
  } else if (diagnosis->failure == FailureClass::closed) {
    diagnosis->message = run.tunnel->bastion.text() + " closed the connection right after the login";
    diagnosis->hint = "see its log: ChrootDirectory, or PAM, ends the session of this account";
  }
  run.checks.fail(name, std::move(*diagnosis));
}

Result<> open_and_close(PreflightRun& run, const std::string& name, const Forward& forward) {
  const std::size_t log_size = run.login->log_size();
  const auto start = steady_clock::now();
  HOLDFAST_TRY(const mux::Answer answer, request_forward(run, forward));
  if (std::holds_alternative<mux::Granted>(answer)) {
    const auto took = steady_clock::now() - start;
    // The server handles this before the end of the connection, so the port is free again for the tunnel.
    (void)mux::close_forward(run.login->control(), forward, k_close_timeout);
    run.checks.pass(name, format_duration(took));
  } else if (std::holds_alternative<mux::Refused>(answer)) {
    report_refusal(run, name, forward, says_forward_denied(run.login->log_since(log_size)));
  } else {
    report_lost_login(run, name);
  }
  return {};
}

Result<> check_forward(PreflightRun& run, const Forward& forward) {
  const std::string name =
      (is_tcp(forward) ? "port " : "socket ") + printable(forward.short_text()) + " free and allowed";
  if (!run.logged_in) {
    run.checks.skip(name);
    return {};
  }
  // Compared by listening end: a tunnel that only gets another target holds its port itself.
  const auto& held = run.request.held;
  if (const auto own = std::ranges::find(held, forward.listen(), &Forward::listen); own != held.end()) {
    const auto at = static_cast<std::size_t>(own - held.begin());
    const auto& by = run.request.held_by;
    run.checks.pass(name, at < by.size() ? "held by your tunnel " + by[at] : "held by this tunnel");
    return {};
  }
  // A remote socket outlives its forward unless the server sets StreamLocalBindUnlink. It would then block the tunnel.
  if (!is_tcp(forward)) {
    run.checks.pass(name, "checked when the tunnel starts");
    return {};
  }
  return open_and_close(run, name, forward);
}

}  // namespace

Result<> check_forwards(PreflightRun& run) {
  if (!run.request.ask_forwards) {
    run.checks.skip("port free and allowed", "no port is given");
    return {};
  }
  for (const Forward& forward : run.tunnel->forwards) {
    HOLDFAST_CHECK(check_forward(run, forward));
    if (run.is_stopped()) return {};
  }
  return {};
}

Result<> check_takeover(PreflightRun& run) {
  const std::string name = "takeover possible";
  if (!run.logged_in) {
    run.checks.skip(name);
    return {};
  }
  const auto start = steady_clock::now();
  HOLDFAST_TRY(const auto session,
               query_remote_session(run.context, run.host, run.tunnel, run.request, run.login->control()));
  HOLDFAST_CHECK(run.check_interrupt());
  if (session)
    run.checks.pass(name, format_duration(steady_clock::now() - start));
  else
    run.checks.warn(name,
                    {FailureClass::forward_denied,
                     run.tunnel->bastion.text() + " runs no command for this key, or hides its processes from it, "
                                                  "so takeover cannot end a stale session",
                     "remove command= from the key's line in authorized_keys, or leave out --takeover; "
                     "ClientAliveInterval 30 in the bastion's sshd_config ends stale sessions too"});
  return {};
}

}  // namespace holdfast::ssh
