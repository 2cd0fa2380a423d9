// The shared state of one preflight. Heavy (Asio): private to preflight.
#pragma once

#include "ssh/client/resolution.hpp"
#include "ssh/preflight/preflight.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace holdfast::ssh {

class Login;  // ssh/client/login.hpp, which is heavy

/// The checks made so far: each one is recorded and reported at once.
class CheckList {
 public:
  explicit CheckList(const std::function<void(const Check&)>& on_check) : on_check_(on_check) {}

  void pass(std::string name, std::string detail);
  /// The first failure is the failure of the report.
  void fail(std::string name, Diagnosis failure);
  /// Reports a problem that does not stop setup.
  void warn(std::string name, Diagnosis problem);
  void skip(std::string name, std::string reason = {});

  [[nodiscard]] const std::optional<Diagnosis>& failure() const noexcept { return report_.failure; }
  [[nodiscard]] PreflightReport& report() noexcept { return report_; }

 private:
  void add(Check check);

  const std::function<void(const Check&)>& on_check_;
  PreflightReport report_;
};

struct PreflightRun {
  os::Host& host;
  const Tunnel& tunnel;
  const PreflightRequest& request;
  CheckList checks;
  boost::asio::io_context context{1};
  std::unique_ptr<Login> login;
  bool logged_in = false;
  ResolvedRoute route = {};  ///< empty when ssh -G failed

  /// True when a failure ends the preflight.
  [[nodiscard]] bool is_stopped() const noexcept { return checks.failure() && !request.every_check; }
  /// An Error when the caller interrupts.
  [[nodiscard]] Result<> check_interrupt() const;
  /// Runs the context until `done()`, or fails on an interrupt.
  [[nodiscard]] Result<> run_until(const std::function<bool()>& done);
};

/// "in 12 ms"
[[nodiscard]] std::string format_duration(std::chrono::steady_clock::duration span);

/// Resolves the route and checks what makes a login hang: jump hosts in a loop, an agent without an answer. False: do
/// not log in. Reports only failures.
[[nodiscard]] bool check_route(PreflightRun& run);

/// A failed login explained with what only this machine's files, agents and ssh_config tell. `log`: with DEBUG1.
[[nodiscard]] Diagnosis refine_login_failure(const PreflightRun& run, Diagnosis diagnosis, std::string_view log);

/// Logs in, which makes run.login and run.logged_in: "bastion reached", "host key known", "key accepted".
[[nodiscard]] Result<> check_login(PreflightRun& run);

/// Requests each forward once and closes it again.
[[nodiscard]] Result<> check_forwards(PreflightRun& run);
/// Checks whether a takeover could end a stale session. A tunnel works without it, so a failure is a warning.
[[nodiscard]] Result<> check_takeover(PreflightRun& run);

/// The ssh options with which a login pins an unknown host key in a private file.
[[nodiscard]] Result<std::vector<SshOption>> pinning_options(PreflightRun& run);
/// Validates the pinned host key, adds it to the report and writes request.pin_file.
[[nodiscard]] Result<> keep_pin(PreflightRun& run);

}  // namespace holdfast::ssh
