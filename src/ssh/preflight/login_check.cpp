#include "core/text.hpp"
#include "ssh/client/login.hpp"
#include "ssh/client/read_only_login.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/preflight/preflight_run.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::ssh {
namespace {

using std::chrono::steady_clock;

const char* const k_reached = "bastion reached";
const char* const k_host_key = "host key known";
const char* const k_key_accepted = "key accepted";

class LoginCheck {
 public:
  explicit LoginCheck(PreflightRun& run) : run_(run) {}

  Result<> check();

 private:
  Result<Login::Outcome> log_in(const std::vector<SshOption>& extra);
  Result<Login::Outcome> log_in_and_pin();
  void on_progress(const LoginProgress& progress);
  void on_authenticated();
  [[nodiscard]] std::string failed_check() const;
  void skip_checks_after(std::string_view failed);
  Diagnosis explain_failure(Login::Outcome outcome);

  PreflightRun& run_;
  steady_clock::time_point start_ = steady_clock::now();
  steady_clock::time_point login_start_ = start_;
  LoginProgress progress_;
  bool reported_reached_ = false;
  bool reported_host_key_ = false;
};

Result<> LoginCheck::check() {
  // A check, also that of doctor, writes nothing to the user's known_hosts.
  HOLDFAST_TRY(Login::Outcome outcome, log_in(read_only_login_options(run_.request.client, run_.route)));
  if (outcome == Login::Outcome::ended && run_.request.accept_new_host_key) {
    // The first login checks strictly against every known_hosts file of the user's configuration. So only an unknown
    // key is ever pinned, and never a changed one.
    const auto diagnosis = diagnose(run_.login->output(), run_.tunnel);
    if (diagnosis && diagnosis->failure == FailureClass::host_key_unknown) {
      HOLDFAST_TRY(outcome, log_in_and_pin());
    }
  }
  HOLDFAST_CHECK(run_.check_interrupt());
  if (outcome == Login::Outcome::authenticated) {
    on_authenticated();
    return {};
  }
  const auto failed = failed_check();
  // An unusable key was reported by check_identity(), with a better reason than ssh gives.
  if (failed == k_key_accepted && run_.checks.failure())
    run_.checks.skip(failed);
  else
    run_.checks.fail(failed, explain_failure(outcome));
  if (run_.request.every_check) skip_checks_after(failed);
  return {};
}

void LoginCheck::on_authenticated() {
  LoginProgress complete = progress_;
  complete.has_banner = complete.host_key_trusted = true;
  on_progress(complete);
  run_.checks.pass(k_key_accepted, format_duration(steady_clock::now() - login_start_));
  run_.logged_in = true;
  if (!progress_.silent_addresses.empty())
    run_.checks.warn("every address answering",
                     explain_silent_address(run_.tunnel, progress_.silent_addresses.front()));
}

void LoginCheck::skip_checks_after(std::string_view failed) {
  if (!reported_reached_ && failed != k_reached) run_.checks.skip(k_reached);
  if (!reported_host_key_ && failed != k_host_key && failed != k_key_accepted) run_.checks.skip(k_host_key);
  if (failed != k_key_accepted) run_.checks.skip(k_key_accepted);
}

std::string LoginCheck::failed_check() const {
  if (!reported_reached_) return k_reached;
  if (reported_host_key_) return k_key_accepted;
  return progress_.host_key.empty() ? "keys exchanged" : k_host_key;
}

Result<Login::Outcome> LoginCheck::log_in(const std::vector<SshOption>& extra) {
  run_.login.reset();
  login_start_ = steady_clock::now();
  HOLDFAST_TRY(run_.login, Login::start(run_.context, run_.host, run_.tunnel, run_.request, extra));
  return run_.login->wait(start_ + run_.request.deadline, run_.request.interrupted,
                          [this](const LoginProgress& progress) { on_progress(progress); });
}

Result<Login::Outcome> LoginCheck::log_in_and_pin() {
  const std::string shown = progress_.host_key;
  HOLDFAST_TRY(auto options, pinning_options(run_));
  std::ranges::copy(read_only_login_options(run_.request.client, run_.route), std::back_inserter(options));
  HOLDFAST_TRY(const Login::Outcome outcome, log_in(options));
  if (progress_.host_key != shown)
    return Error{"pinning the host key of", run_.tunnel->bastion.text(),
                 "the server offered " + shown + " first and then " + progress_.host_key,
                 "ask its owner: machines behind one name must share one host key"};
  if (progress_.host_key_trusted) run_.checks.report().pinned_key = shown;
  return outcome;
}

void LoginCheck::on_progress(const LoginProgress& progress) {
  progress_ = progress;
  if (progress.has_banner && !std::exchange(reported_reached_, true))
    run_.checks.pass(k_reached, format_duration(steady_clock::now() - login_start_));
  if (progress.host_key_trusted && !std::exchange(reported_host_key_, true))
    run_.checks.pass(k_host_key, printable(progress.host_key));
}

Diagnosis LoginCheck::explain_failure(Login::Outcome outcome) {
  if (!progress_.has_banner && !progress_.foreign.empty())
    return make_diagnosis(FailureClass::closed, run_.tunnel, Evidence{.foreign = progress_.foreign});
  if (outcome == Login::Outcome::timed_out)
    return make_diagnosis(FailureClass::timeout, run_.tunnel,
                          Evidence{.circumstance = progress_.has_banner ? "while logging in" : ""});
  SshOutput output = run_.login->output();
  output.jump_hosts = run_.route.jump_hosts();
  auto diagnosis = diagnose(output, run_.tunnel);
  if (!diagnosis) return explain(FailureClass::unknown, run_.tunnel);
  return refine_login_failure(run_, std::move(*diagnosis), output.log);
}

}  // namespace

Result<> check_login(PreflightRun& run) { return LoginCheck(run).check(); }

}  // namespace holdfast::ssh
