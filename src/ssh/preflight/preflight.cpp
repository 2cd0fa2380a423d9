#include "ssh/preflight/preflight.hpp"

#include "core/text.hpp"
#include "ssh/client/login.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/keys/identity.hpp"
#include "ssh/mux/mux_client.hpp"
#include "ssh/preflight/target_check.hpp"
#include "ssh/remote/remote_query.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace holdfast::ssh {
namespace {

using std::chrono::steady_clock;

constexpr mux::Deadline k_forward_answer{10'000};
constexpr mux::Deadline k_close_answer{1'000};
constexpr std::chrono::milliseconds k_last_words{1'000};
constexpr std::chrono::milliseconds k_look{50};  // how soon an interrupt is noticed
constexpr Version k_first_with_accept_new{7, 6};

const char* const k_reached = "bastion reached";
const char* const k_host_key = "host key known";
const char* const k_key_accepted = "key accepted";

std::string in_milliseconds(steady_clock::duration span) {
  const double value = std::chrono::duration<double, std::milli>(span).count();
  return value < 10 ? fmt::format("in {:.1f} ms", value) : fmt::format("in {:.0f} ms", value);
}

class Preflight {
 public:
  Preflight(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request,
            const std::function<void(const Check&)>& on_check)
      : host_(host), tunnel_(tunnel), request_(request), on_check_(on_check) {}

  Result<PreflightReport> run();

 private:
  void pass(std::string what, std::string figure);
  void fail(std::string what, Diagnosis failure);
  void skip(std::string what, std::string reason = {});
  [[nodiscard]] bool stopped() const noexcept { return report_.failure && !request_.every_check; }

  void check_key_file();
  Result<> log_in();
  Result<Login::Outcome> attempt(const std::vector<SshOption>& extra);
  Result<Login::Outcome> attempt_with_pin();
  void on_progress(const LoginProgress& progress);
  [[nodiscard]] std::string failed_step() const;
  void skip_login_steps_after(std::string_view failed);
  Diagnosis why_not(Login::Outcome outcome);
  Result<> check_forwards();
  Result<> check_forward(const Forward& forward);
  Result<mux::Answer> ask_for(const Forward& forward);
  Result<> check_takeover();
  Result<> check_targets();
  void report_target(const Forward& forward, const TargetAnswer& answer);
  Result<> keep_pin();
  [[nodiscard]] Result<> still_wanted() const;
  [[nodiscard]] fs::path fresh_known_hosts() const { return request_.scratch_directory / "known_hosts"; }

  os::Host& host_;
  const Tunnel& tunnel_;
  const PreflightRequest& request_;
  const std::function<void(const Check&)>& on_check_;
  PreflightReport report_;

  boost::asio::io_context context_{1};
  std::deque<TargetCheck> targets_;  ///< one a forward; they run while the login does
  std::unique_ptr<Login> login_;
  steady_clock::time_point start_ = steady_clock::now();
  steady_clock::time_point login_start_ = start_;
  LoginProgress progress_;
  bool told_reached_ = false;
  bool told_host_key_ = false;
  bool logged_in_ = false;
};

void Preflight::pass(std::string what, std::string figure) {
  report_.checks.push_back({std::move(what), std::move(figure)});
  if (on_check_) on_check_(report_.checks.back());
}

void Preflight::skip(std::string what, std::string reason) {
  report_.checks.push_back({.what = std::move(what), .figure = std::move(reason), .skipped = true});
  if (on_check_) on_check_(report_.checks.back());
}

void Preflight::fail(std::string what, Diagnosis failure) {
  if (!report_.failure) report_.failure = failure;
  report_.checks.push_back({.what = std::move(what), .figure = {}, .failure = std::move(failure)});
  if (on_check_) on_check_(report_.checks.back());
}

Result<> Preflight::still_wanted() const {
  if (request_.interrupted && request_.interrupted())
    return Error{"checking", "the way to " + tunnel_->bastion.text(), "interrupted", {}, ExitStatus::interrupted};
  return {};
}

Result<PreflightReport> Preflight::run() {
  pass("ssh found", fmt::format("OpenSSH {}.{}", request_.client.version.major, request_.client.version.minor));
  check_key_file();
  if (stopped()) return std::move(report_);

  for (const Forward& forward : tunnel_->forwards) targets_.emplace_back(context_, forward.target());
  HOLDFAST_CHECK(log_in());
  if (!stopped()) HOLDFAST_CHECK(check_forwards());
  if (!stopped() && tunnel_->takeover) HOLDFAST_CHECK(check_takeover());
  login_.reset();
  if (!stopped()) HOLDFAST_CHECK(check_targets());
  if (!report_.failure && report_.pinned_key) HOLDFAST_CHECK(keep_pin());
  return std::move(report_);
}

void Preflight::check_key_file() {
  const std::string what = "key usable";
  if (auto problem = check_identity(host_, tunnel_, request_)) return fail(what, std::move(*problem));
  pass(what, tunnel_->identity ? tunnel_->identity->native() : "the one ssh chooses");
}

// --- the login

Result<> Preflight::log_in() {
  HOLDFAST_TRY(Login::Outcome outcome, attempt({}));
  if (outcome == Login::Outcome::ended && request_.accept_new_host_key) {
    // Asked strictly first, with every file of known keys that the user's settings name: only a key that none of them
    // has may be pinned, and a changed one never.
    const auto said = diagnose(login_->said(), tunnel_);
    if (said && said->failure == FailureClass::host_key_unknown) {
      HOLDFAST_TRY(outcome, attempt_with_pin());
    }
  }
  HOLDFAST_CHECK(still_wanted());
  if (outcome == Login::Outcome::authenticated) {
    LoginProgress all = progress_;
    all.has_banner = all.host_key_trusted = true;
    on_progress(all);
    pass(k_key_accepted, in_milliseconds(steady_clock::now() - login_start_));
    logged_in_ = true;
    return {};
  }
  const auto step = failed_step();
  // A key that cannot be used has been told of, with a better reason than ssh's.
  if (step == k_key_accepted && report_.failure)
    skip(step);
  else
    fail(step, why_not(outcome));
  if (request_.every_check) skip_login_steps_after(step);
  return {};
}

void Preflight::skip_login_steps_after(std::string_view failed) {
  if (!told_reached_ && failed != k_reached) skip(k_reached);
  if (!told_host_key_ && failed != k_host_key && failed != k_key_accepted) skip(k_host_key);
  if (failed != k_key_accepted) skip(k_key_accepted);
}

std::string Preflight::failed_step() const {
  if (!told_reached_) return k_reached;
  if (told_host_key_) return k_key_accepted;
  return progress_.host_key.empty() ? "keys exchanged" : k_host_key;  // it had not come to a host key
}

Result<Login::Outcome> Preflight::attempt(const std::vector<SshOption>& extra) {
  login_.reset();
  login_start_ = steady_clock::now();
  HOLDFAST_TRY(login_, Login::start(context_, host_, tunnel_, request_, extra));
  return login_->wait(start_ + request_.deadline, request_.interrupted,
                      [this](const LoginProgress& progress) { on_progress(progress); });
}

Result<Login::Outcome> Preflight::attempt_with_pin() {
  if (request_.client.version < k_first_with_accept_new)
    return Error{"pinning the host key of", tunnel_->bastion.text(), "this ssh is older than OpenSSH 7.6",
                 "run ssh " + tunnel_->bastion.ssh_argument() + " once by hand"};
  const std::string shown = progress_.host_key;
  HOLDFAST_CHECK(host_.remove_file(fresh_known_hosts()));
  // A file of its own: the user's are never written.
  HOLDFAST_TRY(const Login::Outcome outcome, attempt({{"StrictHostKeyChecking", "accept-new"},
                                                      {"UserKnownHostsFile", file_value(fresh_known_hosts())},
                                                      {"HashKnownHosts", "no"},
                                                      {"UpdateHostKeys", "no"}}));
  if (progress_.host_key != shown)
    return Error{"pinning the host key of", tunnel_->bastion.text(),
                 "it showed " + shown + " first and then " + progress_.host_key,
                 "ask its owner; machines that share one name must share one host key"};
  if (progress_.host_key_trusted) report_.pinned_key = shown;
  return outcome;
}

void Preflight::on_progress(const LoginProgress& progress) {
  progress_ = progress;
  if (progress.has_banner && !std::exchange(told_reached_, true))
    pass(k_reached, in_milliseconds(steady_clock::now() - login_start_));
  if (progress.host_key_trusted && !std::exchange(told_host_key_, true)) pass(k_host_key, printable(progress.host_key));
}

Diagnosis Preflight::why_not(Login::Outcome outcome) {
  if (!progress_.has_banner && !progress_.foreign.empty())
    return make_diagnosis(FailureClass::closed, tunnel_, Evidence{.foreign = progress_.foreign});
  if (outcome == Login::Outcome::late)
    return make_diagnosis(FailureClass::timeout, tunnel_,
                          Evidence{.circumstance = progress_.has_banner ? "while logging in" : ""});
  const Said said = login_->said();
  auto diagnosis = diagnose(said, tunnel_);
  if (!diagnosis) return explain(FailureClass::unknown, tunnel_);
  if (diagnosis->failure == FailureClass::auth)
    if (auto locked = check_default_keys(host_, tunnel_, request_, said.log)) return std::move(*locked);
  return std::move(*diagnosis);
}

// --- the forwards

Result<> Preflight::check_forwards() {
  if (!request_.ask_forwards) {
    skip("port free and allowed", "no port is given");
    return {};
  }
  for (const Forward& forward : tunnel_->forwards) {
    HOLDFAST_CHECK(check_forward(forward));
    if (stopped()) return {};
  }
  return {};
}

Result<mux::Answer> Preflight::ask_for(const Forward& forward) {
  std::optional<mux::Answer> answer;
  mux::MuxClient client(context_, login_->control());
  client.open_forward(forward, k_forward_answer, [&](mux::Answer said) { answer = std::move(said); });
  while (!answer) {
    HOLDFAST_CHECK(still_wanted());
    context_.restart();
    context_.run_one_for(k_look);
  }
  return std::move(*answer);
}

Result<> Preflight::check_forward(const Forward& forward) {
  const bool tcp = std::holds_alternative<TcpEnd>(forward.listen());
  const std::string what = (tcp ? "port " : "socket ") + printable(forward.short_text()) + " free and allowed";
  if (!logged_in_) {
    skip(what);
    return {};
  }
  // By where it listens: a tunnel that is only to lead elsewhere holds that port itself.
  if (std::ranges::find(request_.held, forward.listen(), &Forward::listen) != request_.held.end()) {
    pass(what, "held by this tunnel");
    return {};
  }
  // A remote socket stays behind when its forward is closed (StreamLocalBindUnlink is the server's to set), and would
  // be in the tunnel's own way.
  if (!tcp) {
    pass(what, "asked when the tunnel starts");
    return {};
  }
  const std::size_t before = login_->log_size();
  const auto asked = steady_clock::now();
  HOLDFAST_TRY(const mux::Answer answer, ask_for(forward));
  if (std::holds_alternative<mux::Granted>(answer)) {
    const auto took = steady_clock::now() - asked;
    // Closed while the connection is in order: the server reads this before it sees the end, so the port is free again
    // for the tunnel itself.
    (void)mux::close_forward(login_->control(), forward, k_close_answer);
    pass(what, in_milliseconds(took));
  } else if (std::holds_alternative<mux::Refused>(answer)) {
    const bool denied = says_forward_denied(login_->log_since(before));
    if (!denied && request_.may_stand_by) {
      pass(what, "another host has it: this one stands by");
      return {};
    }
    fail(what, explain(denied ? FailureClass::forward_denied : FailureClass::forward_busy, tunnel_, forward));
  } else {
    // An ssh that is ending closes its socket first and says why after.
    login_->ends_within(k_last_words);
    auto said = diagnose(login_->said(), tunnel_);
    const bool known = said && said->failure != FailureClass::unknown;
    fail(what, known ? std::move(*said) : explain(FailureClass::dead_peer, tunnel_));
  }
  return {};
}

// --- what may be done about a stale session

/// The tunnel does its work without it, so this only warns.
Result<> Preflight::check_takeover() {
  const std::string what = "takeover possible";
  if (!logged_in_) {
    skip(what);
    return {};
  }
  const auto asked = steady_clock::now();
  HOLDFAST_TRY(const auto session, ask_remote_session(context_, host_, tunnel_, request_, login_->control()));
  HOLDFAST_CHECK(still_wanted());
  if (session) {
    pass(what, in_milliseconds(steady_clock::now() - asked));
    return {};
  }
  report_.checks.push_back(
      {.what = what,
       .figure = {},
       .failure = Diagnosis{FailureClass::forward_denied,
                            tunnel_->bastion.text() + " runs no command for this key, or shows it no processes, so a "
                                                      "stale session there cannot be ended by takeover",
                            "take command= out of the key's line in authorized_keys, or leave --takeover out; "
                            "ClientAliveInterval 30 in the bastion's sshd_config ends a stale session too"},
       .warning = true});
  if (on_check_) on_check_(report_.checks.back());
  return {};
}

// --- what they lead to

Result<> Preflight::check_targets() {
  for (std::size_t i = 0; i < targets_.size() && !stopped(); ++i) {
    while (!targets_[i].over()) {
      HOLDFAST_CHECK(still_wanted());
      context_.restart();
      context_.run_one_for(k_look);
    }
    report_target(tunnel_->forwards[i], targets_[i].answer());
  }
  return {};
}

void Preflight::report_target(const Forward& forward, const TargetAnswer& answer) {
  const std::string what = "local target " + printable(end_text(forward.target())) + " answering";
  switch (answer.kind) {
    case TargetAnswer::Kind::banner:
      return pass(what, answer.words + " " + in_milliseconds(answer.took));
    case TargetAnswer::Kind::open:
      return pass(what, in_milliseconds(answer.took));
    case TargetAnswer::Kind::unnamed:
      return pass(what, "a name, looked up by ssh: checked end to end once the tunnel is up");
    case TargetAnswer::Kind::closed: {
      Diagnosis failure = explain(FailureClass::target_down, tunnel_, forward);
      failure.message = printable(end_text(forward.target())) + " takes connections and closes them at once";
      failure.hint = "see what its service says; an sshd does so when it bans 127.0.0.1 or has too many logins";
      report_.checks.push_back({.what = what, .figure = {}, .failure = std::move(failure), .warning = true});
      if (on_check_) on_check_(report_.checks.back());
      return;
    }
    case TargetAnswer::Kind::down:
    case TargetAnswer::Kind::under_way:
      Diagnosis failure = explain(FailureClass::target_down, tunnel_, forward);
      failure.message += ": " + answer.words;
      return fail(what, std::move(failure));
  }
}

// --- the pinned key

// What ssh wrote is that user's file and may be read by root: lines of a known_hosts file pass, nothing else.
bool is_known_hosts(std::string_view text) {
  bool any = false;
  for (const auto& line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto words = split(line, ' ');
    if (words.size() < 3 || words[2].compare(0, 4, "AAAA") != 0 || has_control_bytes(line)) return false;
    any = true;
  }
  return any;
}

Result<> Preflight::keep_pin() {
  HOLDFAST_TRY(std::string pinned, host_.read_file(fresh_known_hosts(), 16 * 1024));
  if (!is_known_hosts(pinned))
    return Error{"pinning the host key of", tunnel_->bastion.text(), "what ssh wrote is no host key", {}};
  // A pin that this tunnel has already (of another name or kind of key) stays valid beside the new one.
  if (tunnel_->known_hosts)
    if (const auto before = host_.read_file(*tunnel_->known_hosts)) pinned = *before + pinned;
  report_.pinned_lines = std::move(pinned);
  if (request_.pin_file.empty()) return {};
  const bool own = request_.run_as.uid == host_.user().uid;
  return host_.write_file(request_.pin_file, report_.pinned_lines, own ? 0600 : 0644);
}

}  // namespace

Result<PreflightReport> preflight(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request,
                                  const std::function<void(const Check&)>& on_check) {
  return Preflight(host, tunnel, request, on_check).run();
}

}  // namespace holdfast::ssh
