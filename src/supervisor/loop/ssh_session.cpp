#include "supervisor/loop/ssh_session.hpp"

#include "os/append_file.hpp"
#include "supervisor/watch/control_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_read_limit = 64 * 1024;
constexpr std::size_t k_log_limit = 256 * 1024;

}  // namespace

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
  // With a dead socket in its place ssh says "already exists, disabling multiplexing" and stays connected, deaf.
  for (const auto& file : {files_.control, files_.ssh_log, files_.ssh_err}) HOLDFAST_CHECK(host_.remove_file(file));
  watch_ = std::make_unique<ControlSocketWatch>(context_, files_.control, std::move(on_control));
  auto child = os::Child::start(context_, os::ChildSpec{command, {}, files_.ssh_err, ends_with_us_},
                                [this, handler = std::move(on_exit)](int exit_code) {
                                  watch_.reset();
                                  process_.reset();
                                  handler(exit_code);
                                });
  if (!child) {
    watch_.reset();
    return child.error();
  }
  child_ = std::move(*child);
  process_ = host_.process(child_->pid());
  return {};
}

void SshSession::adopt(const os::ProcessId& process, std::function<void()> on_exit) {
  process_ = process;
  (void)log_.new_lines();  // what it said before, the former one has heard
  adopted_ = std::make_unique<os::ProcessWatch>(context_, host_, process, [this, handler = std::move(on_exit)] {
    process_.reset();
    handler();
  });
}

void SshSession::signal(int signal_number) noexcept {
  if (child_) child_->signal(signal_number);
  if (adopted_ && process_) host_.signal(*process_, signal_number);
}

ssh::Said SshSession::said(std::optional<int> exit_code) const {
  return {.log = os::read_tail(files_.ssh_log, k_read_limit),
          .err = os::read_tail(files_.ssh_err, k_read_limit),
          .ended_by_signal = exit_code && ssh::was_ended_by_signal(*exit_code)};
}

std::vector<std::string> SshSession::new_lines() {
  trim_stderr();
  return log_.new_lines();
}

// A ProxyCommand's own words come here, for as long as ssh runs. Of all that only the last lines are ever read.
void SshSession::trim_stderr() const {
  if (host_.status(files_.ssh_err).size <= k_log_limit) return;
  const std::string tail = os::read_tail(files_.ssh_err, k_read_limit);
  if (::truncate(files_.ssh_err.c_str(), 0) == 0) (void)os::append_line(files_.ssh_err, tail, k_log_limit);
}

}  // namespace holdfast::supervisor
