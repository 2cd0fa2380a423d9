#include "supervisor/ssh_session.hpp"

#include "core/text.hpp"
#include "os/append_file.hpp"
#include "supervisor/control_watch.hpp"

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_read_limit = 64 * 1024;
constexpr std::size_t k_log_limit = 256 * 1024;  // a target that is down for months adds a line to it at each probe

}  // namespace

SshSession::SshSession(boost::asio::io_context& context, os::Host& host, store::RuntimeFiles files)
    : context_(context), host_(host), files_(std::move(files)) {}

SshSession::~SshSession() = default;

Result<> SshSession::start(const os::Command& command, std::function<void()> on_control,
                           std::function<void(int)> on_exit) {
  child_.reset();
  process_.reset();
  read_ = 0;
  // With a dead socket in its place ssh says "already exists, disabling multiplexing" and stays connected, deaf.
  for (const auto& file : {files_.control, files_.ssh_log, files_.ssh_err}) HOLDFAST_CHECK(host_.remove_file(file));
  watch_ = std::make_unique<ControlWatch>(context_, files_.control, std::move(on_control));
  auto child = os::Child::start(context_, os::ChildSpec{command, {}, files_.ssh_err},
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

void SshSession::signal(int signal_number) noexcept {
  if (child_) child_->signal(signal_number);
}

ssh::Said SshSession::said() const {
  return {os::read_tail(files_.ssh_log, k_read_limit), os::read_tail(files_.ssh_err, k_read_limit)};
}

std::vector<std::string> SshSession::new_lines() {
  trim_stderr();
  const os::FileStatus status = host_.status(files_.ssh_log);
  if (status.kind != os::FileKind::regular || status.size <= read_) return {};
  const std::size_t fresh = status.size - read_;
  std::vector<std::string> lines;
  // One byte more, the line break before: a tail begins with a whole line.
  for (auto& line : split(os::read_tail(files_.ssh_log, std::min(fresh, k_read_limit) + 1), '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
  }
  read_ = status.size;
  // ssh appends: it goes on at the new end.
  if (read_ > k_log_limit && ::truncate(files_.ssh_log.c_str(), 0) == 0) read_ = 0;
  return lines;
}

// A ProxyCommand's own words come here, for as long as ssh runs. Of all that only the last lines are ever read.
void SshSession::trim_stderr() const {
  if (host_.status(files_.ssh_err).size <= k_log_limit) return;
  const std::string tail = os::read_tail(files_.ssh_err, k_read_limit);
  if (::truncate(files_.ssh_err.c_str(), 0) == 0) (void)os::append_line(files_.ssh_err, tail, k_log_limit);
}

}  // namespace holdfast::supervisor
