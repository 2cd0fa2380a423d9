// One real login, watched from its first line to its control socket. Heavy (Asio): only preflight includes it.
#pragma once

#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/diagnosis/login_log.hpp"
#include "ssh/preflight/preflight.hpp"

#include "os/child.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace holdfast::ssh {

class Login {
 public:
  enum class Outcome {
    authenticated,  ///< the control socket is there
    ended,          ///< ssh gave up: said() tells why
    late,           ///< the deadline passed
    interrupted,
  };
  using OnProgress = std::function<void(const LoginProgress&)>;

  /// Starts `ssh -N -M` as request.run_as, with files "ctl", "log" and "err" in request.scratch; what a former login
  /// left there is removed first.
  [[nodiscard]] static Result<std::unique_ptr<Login>> start(boost::asio::io_context& context, os::Host& host,
                                                            const Tunnel& tunnel, const PreflightRequest& request,
                                                            const std::vector<SshOption>& extra);
  ~Login();  ///< ends ssh, whatever its state
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;

  /// Runs the context meanwhile; tells each step of progress once.
  [[nodiscard]] Outcome wait(std::chrono::steady_clock::time_point deadline, const std::function<bool()>& interrupted,
                             const OnProgress& on_progress);

  [[nodiscard]] const fs::path& control() const noexcept { return control_; }
  [[nodiscard]] Said said() const;
  /// Waits, running the context, until ssh has ended by itself; false when it has not.
  bool ends_within(std::chrono::milliseconds span);
  /// The size of the log now: what comes after it belongs to what is asked next.
  [[nodiscard]] std::string log_since(std::size_t offset) const;
  [[nodiscard]] std::size_t log_size() const { return said().log.size(); }

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
