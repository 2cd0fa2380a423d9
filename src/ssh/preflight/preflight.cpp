#include "ssh/preflight/preflight.hpp"

#include "core/text.hpp"
#include "ssh/client/login.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/preflight/preflight_run.hpp"
#include "ssh/preflight/target_check.hpp"

#include <fmt/format.h>

#include <deque>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::milliseconds k_poll{50};  // the delay until an interrupt is noticed

void check_key_file(PreflightRun& run) {
  const std::string name = "key usable";
  if (auto problem = check_identity(run.host, run.tunnel, run.request))
    return run.checks.fail(name, std::move(*problem));
  run.checks.pass(name, run.tunnel->identity ? run.tunnel->identity->native() : "the default keys of ssh");
}

void report_target(PreflightRun& run, const Forward& forward, const TargetResult& result) {
  const std::string target = printable(end_text(forward.target()));
  const std::string name = "local target " + target + " answering";
  switch (result.kind) {
    case TargetResult::Kind::banner:
      return run.checks.pass(name, result.detail + " " + format_duration(result.took));
    case TargetResult::Kind::open:
      return run.checks.pass(name, format_duration(result.took));
    case TargetResult::Kind::unresolved:
      return run.checks.pass(name, "a host name: checked end to end once the tunnel is up");
    case TargetResult::Kind::closed:
      return run.checks.warn(
          name, {FailureClass::target_down, target + " accepts connections and closes them at once",
                 "read the log of its service; an sshd that penalises this machine needs PerSourcePenaltyExemptList "
                 "127.0.0.1,::1 in its sshd_config"});
    case TargetResult::Kind::down:
    case TargetResult::Kind::under_way:
      break;
  }
  Diagnosis failure = explain(FailureClass::target_down, run.tunnel, forward);
  failure.message += ": " + result.detail;
  if (run.tunnel->allow_target_down) return run.checks.warn(name, std::move(failure));
  failure.hint += "; if it starts later: holdfast setup --allow-target-down";
  run.checks.fail(name, std::move(failure));
}

/// The targets, checked while the login is under way; references need stable addresses.
using Targets = std::deque<TargetCheck>;

Result<> check_targets(PreflightRun& run, const Targets& targets) {
  for (std::size_t i = 0; i < targets.size() && !run.is_stopped(); ++i) {
    HOLDFAST_CHECK(run.run_until([&] { return targets[i].done(); }));
    report_target(run, run.tunnel->forwards[i], targets[i].result());
  }
  return {};
}

}  // namespace

void CheckList::add(Check check) {
  report_.checks.push_back(std::move(check));
  if (on_check_) on_check_(report_.checks.back());
}

void CheckList::pass(std::string name, std::string detail) {
  add({.what = std::move(name), .figure = std::move(detail)});
}

void CheckList::fail(std::string name, Diagnosis failure) {
  if (!report_.failure) report_.failure = failure;
  add({.what = std::move(name), .figure = {}, .failure = std::move(failure)});
}

void CheckList::warn(std::string name, Diagnosis problem) {
  add({.what = std::move(name), .figure = {}, .failure = std::move(problem), .warning = true});
}

void CheckList::skip(std::string name, std::string reason) {
  add({.what = std::move(name), .figure = std::move(reason), .skipped = true});
}

std::string format_duration(std::chrono::steady_clock::duration span) {
  const double value = std::chrono::duration<double, std::milli>(span).count();
  return value < 10 ? fmt::format("in {:.1f} ms", value) : fmt::format("in {:.0f} ms", value);
}

Result<> PreflightRun::check_interrupt() const {
  if (request.interrupted && request.interrupted())
    return Error{"checking", tunnel->bastion.text(), "interrupted", {}, ExitStatus::interrupted};
  return {};
}

Result<> PreflightRun::run_until(const std::function<bool()>& done) {
  while (!done()) {
    HOLDFAST_CHECK(check_interrupt());
    context.restart();
    context.run_one_for(k_poll);
  }
  return {};
}

Result<PreflightReport> preflight(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request,
                                  const std::function<void(const Check&)>& on_check) {
  PreflightRun run{.host = host, .tunnel = tunnel, .request = request, .checks = CheckList(on_check), .login = {}};
  PreflightReport& report = run.checks.report();
  run.checks.pass("ssh found",
                  fmt::format("OpenSSH {}.{}", request.client.version.major, request.client.version.minor));
  check_key_file(run);
  if (run.is_stopped()) return std::move(report);

  Targets targets;
  for (const Forward& forward : tunnel->forwards) targets.emplace_back(run.context, forward.target());
  if (check_route(run)) HOLDFAST_CHECK(check_login(run));
  if (!run.is_stopped()) HOLDFAST_CHECK(check_forwards(run));
  if (!run.is_stopped() && tunnel->takeover) HOLDFAST_CHECK(check_takeover(run));
  run.login.reset();
  if (!run.is_stopped()) HOLDFAST_CHECK(check_targets(run, targets));
  if (!report.failure && report.pinned_key) HOLDFAST_CHECK(keep_pin(run));
  return std::move(report);
}

}  // namespace holdfast::ssh
