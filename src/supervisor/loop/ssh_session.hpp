// One run of the ssh that carries the tunnel: its process, its control socket's coming, and what it says.
#pragma once

#include "core/result.hpp"
#include "os/child.hpp"
#include "os/host.hpp"
#include "os/process_watch.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "store/paths.hpp"
#include "supervisor/loop/log_tail.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class ControlSocketWatch;

class SshSession {
 public:
  /// Uses control, ssh_log and ssh_err of `files`. `ends_with_us`: as of os::ChildSpec.
  SshSession(boost::asio::io_context& context, os::Host& host, store::RuntimeFiles files, bool ends_with_us = false);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  /// Clears what a former run left in the files and starts ssh, whose arguments must name these very files. Both
  /// handlers are called later, at most once each.
  [[nodiscard]] Result<> start(const os::Command& command, std::function<void()> on_control,
                               std::function<void(int exit_code)> on_exit);

  /// Goes on with one that a former supervisor started, with these very files, and that is logged in. Nobody's child of
  /// ours: how it ended will not be known.
  void adopt(const os::ProcessId& process, std::function<void()> on_exit);

  void signal(int signal_number) noexcept;
  [[nodiscard]] const std::optional<os::ProcessId>& process() const noexcept { return process_; }

  /// What it said until it ended with `exit_code` (nothing: it was adopted), bounded. Log and stderr are emptied when
  /// they have grown beyond what anybody reads.
  [[nodiscard]] ssh::Said said(std::optional<int> exit_code) const;
  /// The lines of the log since the last call.
  [[nodiscard]] std::vector<std::string> new_lines();

 private:
  void trim_stderr() const;

  boost::asio::io_context& context_;
  os::Host& host_;
  store::RuntimeFiles files_;
  bool ends_with_us_;
  std::unique_ptr<os::Child> child_;
  std::unique_ptr<os::ProcessWatch> adopted_;
  std::unique_ptr<ControlSocketWatch> watch_;
  std::optional<os::ProcessId> process_;
  LogTail log_;
};

}  // namespace holdfast::supervisor
