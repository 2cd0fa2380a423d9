#include "supervisor/loop/ssh_session.hpp"

#include "os/append_file.hpp"
#include "supervisor/watch/inotify_file.hpp"

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <csignal>
#include <utility>

namespace holdfast::supervisor {

std::vector<std::string> session_arguments(const ssh::Client& client, const Tunnel& tunnel,
                                           const store::RuntimeFiles& files, const ssh::Keepalive& keepalive) {
  return ssh::master_arguments(client, tunnel,
                               {.control = files.control, .log = files.ssh_log, .keepalive = keepalive});
}

SshSession::SshSession(boost::asio::io_context& context, os::Host& host, store::RuntimeFiles files, bool ends_with_us)
    : context_(context),
      host_(host),
      files_(std::move(files)),
      ends_with_us_(ends_with_us),
      log_(host, files_.ssh_log) {}

SshSession::~SshSession() = default;

Result<> SshSession::start(const os::Command& command, std::function<void()> on_control,
                           std::function<void(int)> on_exit) {
  child_.reset();
  adopted_.reset();
  process_.reset();
  log_.start_over();
  forgotten_log_ = forgotten_err_ = 0;
  // When an old socket exists, ssh connects without multiplexing ("already exists, disabling multiplexing").
  for (const auto& file : {files_.control, files_.ssh_log, files_.ssh_err}) HOLDFAST_CHECK(host_.remove_file(file));
  control_socket_watch_ =
      std::make_unique<InotifyFile>(context_, files_.control, InotifyFile::Change::appears, std::move(on_control));
  auto child = os::Child::start(context_, os::ChildSpec{command, {}, files_.ssh_err, ends_with_us_},
                                [this, handler = std::move(on_exit)](int exit_code) {
                                  control_socket_watch_.reset();
                                  process_.reset();
                                  handler(exit_code);
                                });
  if (!child) {
    control_socket_watch_.reset();
    return child.error();
  }
  child_ = std::move(*child);
  process_ = host_.process(child_->pid());
  return {};
}

void SshSession::adopt(const os::ProcessId& process, std::function<void()> on_exit) {
  process_ = process;
  (void)log_.new_lines();  // the other supervisor has logged them
  adopted_ = std::make_unique<os::ProcessWatch>(context_, host_, process, [this, handler = std::move(on_exit)] {
    process_.reset();
    handler();
  });
}

void SshSession::signal(int signal_number) noexcept {
  // Its whole group: jump hosts that lead back to each other start one ssh after the other, also without the first.
  if (child_ && process_)
    ::kill(-child_->pid(), signal_number);
  else if (child_)
    child_->signal(signal_number);
  if (adopted_ && process_) host_.signal(*process_, signal_number);
}

void SshSession::forget_output() {
  forgotten_log_ = host_.status(files_.ssh_log).size;
  forgotten_err_ = host_.status(files_.ssh_err).size;
}

std::string SshSession::output_since(const boost::filesystem::path& file, std::size_t offset) const {
  const std::size_t size = host_.status(file).size;
  if (size < offset) offset = 0;  // it was emptied
  if (size - offset > k_log_read_limit) return os::read_tail(file, k_log_read_limit);
  return os::read_from(file, offset, k_log_read_limit);
}

ssh::SshOutput SshSession::said(std::optional<int> exit_code) const {
  return {.log = output_since(files_.ssh_log, forgotten_log_),
          .err = output_since(files_.ssh_err, forgotten_err_),
          .ended_by_signal = exit_code && ssh::was_ended_by_signal(*exit_code),
          .at = host_.wall_now()};
}

std::vector<std::string> SshSession::new_lines() {
  trim_stderr();
  return log_.new_lines();
}

// A ProxyCommand may write to it without limit. Only its last lines are ever used.
void SshSession::trim_stderr() const {
  if (host_.status(files_.ssh_err).size <= k_log_size_limit) return;
  const std::string tail = os::read_tail(files_.ssh_err, k_log_read_limit);
  if (::truncate(files_.ssh_err.c_str(), 0) == 0) (void)os::append_line(files_.ssh_err, tail, k_log_size_limit);
}

}  // namespace holdfast::supervisor
