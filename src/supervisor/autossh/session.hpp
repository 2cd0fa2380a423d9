// One run of autossh: its process, its present ssh, the control socket of that ssh, and the logs of both.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/child.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/mux/mux_client.hpp"
#include "store/paths.hpp"
#include "supervisor/autossh/machine.hpp"
#include "supervisor/loop/log_tail.hpp"

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class InotifyFile;

class AutosshSession {
 public:
  struct Handlers {
    std::function<void(autossh::Event)> on_event;  ///< SshStarted, SshEnded, Sleeping, ControlReady, ChildExited.
    std::function<void(const std::string& line)> on_line;  ///< For the tunnel's log.
  };

  AutosshSession(boost::asio::io_context& context, os::Host& host, store::RuntimeFiles files, Handlers handlers);
  ~AutosshSession();
  AutosshSession(const AutosshSession&) = delete;
  AutosshSession& operator=(const AutosshSession&) = delete;

  /// Ends processes of an earlier run and starts autossh. Fails if the user's ssh configuration adds forwards.
  [[nodiscard]] Result<> start(const boost::filesystem::path& program, const ssh::Client& client, const Tunnel& tunnel);

  void signal(int signal_number) noexcept;
  void kill_ssh();

  [[nodiscard]] const std::optional<os::ProcessId>& process() const noexcept { return process_; }
  [[nodiscard]] const std::optional<os::ProcessId>& ssh() const noexcept { return ssh_; }
  [[nodiscard]] ssh::mux::MuxClient& mux() noexcept { return mux_; }
  /// The lines of ssh's log since the last call.
  [[nodiscard]] std::string take_log_lines();

 private:
  [[nodiscard]] Result<> clear_files();
  void read_logs();
  void read_ssh_logs(LogTail::Unfinished last = LogTail::Unfinished::wait);
  void on_ssh_started(pid_t pid);
  void await_control();
  void check_master();
  void on_exit(int exit_code);

  boost::asio::io_context& context_;
  os::Host& host_;
  store::RuntimeFiles files_;
  Handlers handlers_;
  ssh::mux::MuxClient mux_;
  std::optional<Tunnel> tunnel_;
  std::unique_ptr<os::Child> child_;
  std::optional<os::ProcessId> process_;
  std::optional<os::ProcessId> ssh_;
  std::unique_ptr<InotifyFile> log_watch_;
  std::unique_ptr<InotifyFile> control_socket_watch_;
  struct Delay;
  std::unique_ptr<Delay> delay_;
  LogTail autossh_log_;
  LogTail ssh_log_;
  LogTail ssh_err_;
  ssh::SshOutput said_;    ///< By the present ssh.
  RecentLines log_lines_;  ///< Of its log, since take_log_lines().
  std::string last_line_;
};

}  // namespace holdfast::supervisor
