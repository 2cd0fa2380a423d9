// One login of preflight, followed from its first log line to its control socket.
#pragma once

#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/diagnosis/login_log.hpp"
#include "ssh/preflight/preflight.hpp"

#include "os/child.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::ssh {

class Login {
 public:
  enum class Outcome {
    authenticated,  ///< the control socket exists
    ended,          ///< ssh exited; output() has the reason
    timed_out,
    interrupted,
  };
  using OnProgress = std::function<void(const LoginProgress&)>;

  /// Starts `ssh -N -M` as request.run_as, with the files "ctl", "log" and "err" in request.scratch_directory. Removes
  /// those of an earlier login first.
  [[nodiscard]] static Result<std::unique_ptr<Login>> start(boost::asio::io_context& context, os::Host& host,
                                                            const Tunnel& tunnel, const PreflightRequest& request,
                                                            const std::vector<SshOption>& extra);
  ~Login();  ///< ends ssh
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  /// Runs the context until an outcome; calls on_progress after each change.
  [[nodiscard]] Outcome wait(std::chrono::steady_clock::time_point deadline, const std::function<bool()>& interrupted,
                             const OnProgress& on_progress);

  [[nodiscard]] const fs::path& control() const noexcept { return control_; }
  [[nodiscard]] SshOutput output() const;
  /// Runs the context until ssh has exited; false when it still runs after `span`.
  bool ends_within(std::chrono::milliseconds span);
  /// The log from `offset`, an earlier log_size().
  [[nodiscard]] std::string log_since(std::size_t offset) const;
  [[nodiscard]] std::size_t log_size() const { return output().log.size(); }

 private:
  Login(boost::asio::io_context& context, os::Host& host, const fs::path& scratch_directory);
  void end();

  boost::asio::io_context& context_;
  os::Host& host_;
  fs::path control_;
  fs::path log_;
  fs::path err_;
  std::unique_ptr<os::Child> child_;
  bool ended_ = false;
};

}  // namespace holdfast::ssh
