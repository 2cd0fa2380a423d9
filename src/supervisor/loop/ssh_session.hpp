// One run of ssh: its process, the appearance of its control socket, and its output.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/child.hpp"
#include "os/host.hpp"
#include "os/process_watch.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "store/paths.hpp"
#include "supervisor/loop/log_tail.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class InotifyFile;

/// For the bastion's answer to a request for a forward: it may resolve names and query PAM first.
inline constexpr std::chrono::milliseconds k_forward_timeout(10'000);

/// The arguments of the ssh that carries the tunnel and uses `files`.
[[nodiscard]] std::vector<std::string> session_arguments(const ssh::Client& client, const Tunnel& tunnel,
                                                         const store::RuntimeFiles& files,
                                                         const ssh::Keepalive& keepalive = {});

class SshSession {
 public:
  /// Uses control, ssh_log and ssh_err of `files`. `ends_with_us`: see os::ChildSpec.
  SshSession(boost::asio::io_context& context, os::Host& host, store::RuntimeFiles files, bool ends_with_us = false);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  /// Removes the files of an earlier run and starts ssh; its arguments must name the same files. Both handlers are
  /// called later, at most once each.
  [[nodiscard]] Result<> start(const os::Command& command, std::function<void()> on_control,
                               std::function<void(int exit_code)> on_exit);

  /// Continues with a logged-in ssh that another supervisor started with the same files. It is not a child of this
  /// process, so its exit code stays unknown.
  void adopt(const os::ProcessId& process, std::function<void()> on_exit);

  void signal(int signal_number) noexcept;
  [[nodiscard]] const std::optional<os::ProcessId>& process() const noexcept { return process_; }

  /// The connection works now: what ssh said so far explains no later end.
  void forget_output();
  /// Its output since then, until it exited with `exit_code` (empty: adopted), bounded.
  [[nodiscard]] ssh::SshOutput said(std::optional<int> exit_code) const;
  /// The lines of its log since the last call. Empties log and stderr when they are too large.
  [[nodiscard]] std::vector<std::string> new_lines();

 private:
  void trim_stderr() const;
  [[nodiscard]] std::string output_since(const boost::filesystem::path& file, std::size_t offset) const;

  boost::asio::io_context& context_;
  os::Host& host_;
  store::RuntimeFiles files_;
  bool ends_with_us_;
  std::unique_ptr<os::Child> child_;
  std::unique_ptr<os::ProcessWatch> adopted_;
  std::unique_ptr<InotifyFile> control_socket_watch_;
  std::optional<os::ProcessId> process_;
  LogTail log_;
  std::size_t forgotten_log_ = 0;  ///< Bytes.
  std::size_t forgotten_err_ = 0;
};

}  // namespace holdfast::supervisor
