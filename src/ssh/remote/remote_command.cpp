#include "ssh/remote/remote_command.hpp"

#include "os/child.hpp"
#include "os/posix_files.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace holdfast::ssh {
namespace {

using boost::system::error_code;

constexpr std::size_t k_longest_output = 64 * 1024;
constexpr std::chrono::seconds k_close_limit(1);

}  // namespace

struct RemoteCommand::Impl : std::enable_shared_from_this<Impl> {
  using Pipe = boost::asio::posix::stream_descriptor;

  std::unique_ptr<os::Child> child;
  bool runs = false;
  Pipe output;
  boost::asio::steady_timer timer;
  std::array<char, 4096> chunk{};
  Answer answer;
  OnAnswer on_answer;

  explicit Impl(boost::asio::io_context& context) : output(context), timer(context) {}

  Result<> start(boost::asio::io_context& context, const os::Command& command, std::chrono::milliseconds timeout,
                 OnAnswer handler) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("making", "a pipe", errno);
    output.assign(ends[0]);
    output.non_blocking(true);
    const os::Descriptor write_end(ends[1]);
    auto started = os::Child::start(
        context, {.command = command, .out = {}, .err = {}, .ends_with_us = true, .out_descriptor = write_end.get()},
        [this](int) { on_exit(); });
    if (!started) {
      close_output();
      return started.error();
    }
    child = std::move(*started);
    runs = true;
    answer = {};
    on_answer = std::move(handler);
    set_timer(timeout, &Impl::end_early);
    read();
    return {};
  }

  void set_timer(std::chrono::milliseconds span, void (Impl::*handler)()) {
    timer.expires_after(span);
    timer.async_wait([self = weak_from_this(), handler](error_code cancelled) {
      if (const auto alive = self.lock(); alive && !cancelled) (alive.get()->*handler)();
    });
  }

  void read() {
    output.async_wait(Pipe::wait_read, [self = weak_from_this()](error_code error) {
      if (const auto alive = self.lock(); alive && !error && alive->output.is_open()) alive->on_readable();
    });
  }

  void on_readable() {
    if (!read_available()) return;
    if (answer.output.size() > k_longest_output) return end_early();
    read();
  }

  /// Reads the bytes in the pipe. False at its end.
  bool read_available() {
    error_code error;
    while (!error && answer.output.size() <= k_longest_output)
      answer.output.append(chunk.data(), output.read_some(boost::asio::buffer(chunk), error));
    return !error || error == boost::asio::error::would_block;
  }

  void end_early() {
    if (!runs) return;
    close_output();
    set_timer(k_close_limit, &Impl::kill);
    answer_caller();
  }

  void kill() { child->signal(SIGKILL); }

  void on_exit() {
    runs = false;
    timer.cancel();
    if (!on_answer) return;
    (void)read_available();  // the rest of the output
    close_output();
    answer.ended = true;
    answer_caller();
  }

  void close_output() {
    error_code ignored;
    output.close(ignored);  // NOLINT(bugprone-unused-return-value)
  }

  void answer_caller() {
    if (const auto handler = std::exchange(on_answer, nullptr)) handler(std::move(answer));
  }
};

RemoteCommand::RemoteCommand(boost::asio::io_context& context)
    : context_(context), impl_(std::make_shared<Impl>(context)) {}

RemoteCommand::~RemoteCommand() {
  if (!impl_->runs) return;
  impl_->on_answer = nullptr;
  impl_->close_output();
  if (!impl_->child->ends_within(k_close_limit)) impl_->child->signal(SIGKILL);
}

Result<> RemoteCommand::start(const os::Command& command, std::chrono::milliseconds timeout, OnAnswer on_answer) {
  return impl_->start(context_, command, timeout, std::move(on_answer));
}

void RemoteCommand::end() {
  if (std::exchange(impl_->on_answer, nullptr)) impl_->end_early();
}

bool RemoteCommand::runs() const noexcept { return impl_->runs; }

}  // namespace holdfast::ssh
