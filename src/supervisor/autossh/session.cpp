#include "supervisor/autossh/session.hpp"

#include "ssh/autossh/autossh.hpp"
#include "ssh/autossh/autossh_process.hpp"
#include "ssh/client/master.hpp"
#include "supervisor/watch/control_socket.hpp"
#include "supervisor/watch/file_growth.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <utility>

namespace holdfast::supervisor {
namespace {

using Kind = ssh::AutosshLine::Kind;

constexpr std::chrono::milliseconds k_dead_socket(25);  // ssh unlinks it as soon as it has read its configuration
constexpr ssh::mux::Deadline k_answer(3000);
constexpr std::chrono::seconds k_configuration_deadline(10);
constexpr std::size_t k_enough = 16 * 1024;

void append(std::string& text, const std::string& line) {
  text += line + "\n";
  if (text.size() > k_enough) text.erase(0, text.size() - k_enough);
}

}  // namespace

struct AutosshSession::Pause {
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
  heard_.clear();
  return {};
}

Result<> AutosshSession::start(const boost::filesystem::path& program, const ssh::Client& client,
                               const Tunnel& tunnel) {
  const auto environment = ssh::job_environment(host_, host_.user());
  HOLDFAST_TRY(const auto shown,
               host_.run(ssh::show_configuration(client, tunnel, environment), k_configuration_deadline));
  if (const auto added = ssh::added_forwards(shown.out); !added.empty()) return ssh::has_added_forwards(tunnel, added);
  child_.reset();
  const auto last_ssh = std::exchange(ssh_, std::nullopt);
  HOLDFAST_CHECK(ssh::end_autossh(files_.control, host_, std::exchange(process_, std::nullopt)));
  HOLDFAST_CHECK(ssh::end_master(files_.control, host_, last_ssh));
  HOLDFAST_CHECK(clear_files());
  tunnel_ = tunnel;
  file_growth_watch_ = std::make_unique<FileGrowthWatch>(context_, files_.autossh_log, [this] { read_logs(); });
  const os::Command command{.argv = ssh::autossh_arguments(program, client, tunnel, files_.control, files_.ssh_log),
                            .environment = ssh::autossh_environment(environment, client, files_.autossh_log)};
  HOLDFAST_TRY(child_, os::Child::start(context_, os::ChildSpec{command, {}, files_.ssh_err},
                                        [this](int exit_code) { ended(exit_code); }));
  process_ = host_.process(child_->pid());
  return {};
}

void AutosshSession::signal(int signal_number) noexcept {
  if (child_) child_->signal(signal_number);
}

void AutosshSession::kill_ssh() {
  if (ssh_) host_.signal(*ssh_, SIGKILL);
}

std::string AutosshSession::heard_since() {
  read_ssh();
  return std::exchange(heard_, {});
}

void AutosshSession::read_ssh(LogTail::Unfinished last) {
  for (const auto& line : ssh_log_.new_lines(last)) {
    append(said_.log, line);
    append(heard_, line);
    if (line != last_line_) handlers_.on_line("ssh: " + line);
    last_line_ = line;
  }
  for (const auto& line : ssh_err_.new_lines(last)) append(said_.err, line);
}

void AutosshSession::read_logs() {
  read_ssh();
  for (const auto& line : autossh_log_.new_lines()) {
    const auto news = ssh::read_autossh_line(line);
    if (news.kind != Kind::detail) handlers_.on_line("autossh: " + news.text);
    if (news.kind == Kind::ssh_started) ssh_started(news.pid);
    if (news.kind == Kind::sleeping) handlers_.on_event(autossh::Sleeping{news.wait});
    if (news.kind == Kind::ssh_ended) {
      read_ssh(LogTail::Unfinished::take);
      ssh_.reset();
      said_.ended_by_signal = news.exit_code && ssh::was_ended_by_signal(*news.exit_code);
      handlers_.on_event(autossh::SshEnded{ssh::diagnose(said_, *tunnel_), ssh::process_end(news.exit_code, said_)});
    }
  }
}

void AutosshSession::ssh_started(pid_t pid) {
  said_ = {};
  heard_.clear();
  ssh_ = host_.process(pid);
  handlers_.on_event(autossh::SshStarted{});
  await_control();
}

void AutosshSession::await_control() {
  control_socket_watch_ = std::make_unique<ControlSocketWatch>(context_, files_.control, [this] { ask_who_answers(); });
}

// The socket of the ssh before may still lie there, or its listener be at its end: only this ssh's own word counts.
void AutosshSession::ask_who_answers() {
  mux_.alive(k_answer, [this](const ssh::mux::Answer& answer) {
    const auto* granted = std::get_if<ssh::mux::Granted>(&answer);
    if (granted != nullptr && ssh_ && static_cast<pid_t>(granted->value) == ssh_->pid) {
      control_socket_watch_.reset();
      return handlers_.on_event(ControlReady{});
    }
    if (!ssh_) return;
    pause_ = std::make_unique<Pause>(Pause{boost::asio::steady_timer(context_, k_dead_socket)});
    pause_->timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) await_control();
    });
  });
}

void AutosshSession::ended(int exit_code) {
  read_logs();
  read_ssh(LogTail::Unfinished::take);
  file_growth_watch_.reset();
  control_socket_watch_.reset();
  pause_.reset();
  process_.reset();
  handlers_.on_event(ChildExited{ssh::diagnose(said_, *tunnel_), ssh::process_end(exit_code, said_)});
}

}  // namespace holdfast::supervisor
