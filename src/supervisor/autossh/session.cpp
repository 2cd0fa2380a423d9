#include "supervisor/autossh/session.hpp"

#include "ssh/autossh/autossh.hpp"
#include "ssh/autossh/autossh_process.hpp"
#include "ssh/client/master.hpp"
#include "supervisor/watch/inotify_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <utility>

namespace holdfast::supervisor {
namespace {

using Kind = ssh::AutosshLine::Kind;

// The socket of the previous ssh may still exist: the new ssh removes it as soon as it has read its configuration.
constexpr std::chrono::milliseconds k_recheck_control(25);
constexpr ssh::mux::Deadline k_alive_timeout(3000);
constexpr std::chrono::seconds k_configuration_timeout(10);

}  // namespace

struct AutosshSession::Delay {
  boost::asio::steady_timer timer;
};

AutosshSession::AutosshSession(boost::asio::io_context& context, os::Host& host, store::RuntimeFiles files,
                               Handlers handlers)
    : context_(context),
      host_(host),
      files_(std::move(files)),
      handlers_(std::move(handlers)),
      mux_(context, files_.control),
      autossh_log_(host, files_.autossh_log),
      ssh_log_(host, files_.ssh_log),
      ssh_err_(host, files_.ssh_err) {}

AutosshSession::~AutosshSession() = default;

Result<> AutosshSession::clear_files() {
  for (const auto& file : {files_.control, files_.ssh_log, files_.ssh_err}) HOLDFAST_CHECK(host_.remove_file(file));
  HOLDFAST_CHECK(host_.write_volatile_file(files_.autossh_log, "", 0600));
  for (LogTail* tail : {&autossh_log_, &ssh_log_, &ssh_err_}) tail->start_over();
  said_ = {};
  log_lines_ = {};
  return {};
}

Result<> AutosshSession::start(const boost::filesystem::path& program, const ssh::Client& client,
                               const Tunnel& tunnel) {
  const auto environment = ssh::job_environment(host_, host_.user());
  HOLDFAST_TRY(const auto configuration,
               host_.run(ssh::show_configuration(client, tunnel, environment), k_configuration_timeout));
  if (const auto added = ssh::added_forwards(configuration.out); !added.empty())
    return ssh::has_added_forwards(tunnel, added);
  child_.reset();
  const auto previous_ssh = std::exchange(ssh_, std::nullopt);
  HOLDFAST_CHECK(ssh::end_autossh(files_.control, host_, std::exchange(process_, std::nullopt)));
  HOLDFAST_CHECK(ssh::end_master(files_.control, host_, previous_ssh));
  HOLDFAST_CHECK(clear_files());
  tunnel_ = tunnel;
  log_watch_ =
      std::make_unique<InotifyFile>(context_, files_.autossh_log, InotifyFile::Change::grows, [this] { read_logs(); });
  const os::Command command{.argv = ssh::autossh_arguments(program, client, tunnel, files_.control, files_.ssh_log),
                            .environment = ssh::autossh_environment(environment, client, files_.autossh_log)};
  HOLDFAST_TRY(child_, os::Child::start(context_, os::ChildSpec{command, {}, files_.ssh_err},
                                        [this](int exit_code) { on_exit(exit_code); }));
  process_ = host_.process(child_->pid());
  return {};
}

void AutosshSession::signal(int signal_number) noexcept {
  if (child_) child_->signal(signal_number);
}

void AutosshSession::kill_ssh() {
  if (ssh_) host_.signal(*ssh_, SIGKILL);
}

std::string AutosshSession::take_log_lines() {
  read_ssh_logs();
  return log_lines_.take();
}

void AutosshSession::read_ssh_logs(LogTail::Unfinished last) {
  for (const auto& line : ssh_log_.new_lines(last)) {
    append_recent(said_.log, line);
    log_lines_.add(line);
    if (line != last_line_) handlers_.on_line("ssh: " + line);
    last_line_ = line;
  }
  for (const auto& line : ssh_err_.new_lines(last)) append_recent(said_.err, line);
}

void AutosshSession::read_logs() {
  read_ssh_logs();
  for (const auto& line : autossh_log_.new_lines()) {
    const auto event = ssh::read_autossh_line(line);
    if (event.kind != Kind::detail) handlers_.on_line("autossh: " + event.text);
    if (event.kind == Kind::ssh_started) on_ssh_started(event.pid);
    if (event.kind == Kind::sleeping) handlers_.on_event(autossh::Sleeping{event.wait});
    if (event.kind == Kind::ssh_ended) {
      read_ssh_logs(LogTail::Unfinished::read);
      ssh_.reset();
      said_.ended_by_signal = event.exit_code && ssh::was_ended_by_signal(*event.exit_code);
      handlers_.on_event(autossh::SshEnded{ssh::diagnose(said_, *tunnel_), ssh::process_end(event.exit_code, said_)});
    }
  }
}

void AutosshSession::on_ssh_started(pid_t pid) {
  said_ = {};
  log_lines_ = {};
  ssh_ = host_.process(pid);
  handlers_.on_event(autossh::SshStarted{});
  await_control();
}

void AutosshSession::await_control() {
  control_socket_watch_ =
      std::make_unique<InotifyFile>(context_, files_.control, InotifyFile::Change::appears, [this] { check_master(); });
}

// The socket, or the process behind it, may be the previous ssh's: compare the pid.
void AutosshSession::check_master() {
  mux_.alive(k_alive_timeout, [this](const ssh::mux::Answer& answer) {
    const auto* granted = std::get_if<ssh::mux::Granted>(&answer);
    if (granted != nullptr && ssh_ && static_cast<pid_t>(granted->value) == ssh_->pid) {
      control_socket_watch_.reset();
      return handlers_.on_event(ControlReady{});
    }
    if (!ssh_) return;
    delay_ = std::make_unique<Delay>(Delay{boost::asio::steady_timer(context_, k_recheck_control)});
    delay_->timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) await_control();
    });
  });
}

void AutosshSession::on_exit(int exit_code) {
  read_logs();
  read_ssh_logs(LogTail::Unfinished::read);
  log_watch_.reset();
  control_socket_watch_.reset();
  delay_.reset();
  process_.reset();
  handlers_.on_event(ChildExited{ssh::diagnose(said_, *tunnel_), ssh::process_end(exit_code, said_)});
}

}  // namespace holdfast::supervisor
