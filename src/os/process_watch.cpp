#include "os/process_watch.hpp"

#include "os/posix_processes.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace holdfast::os {
namespace {

using error_code = boost::system::error_code;

constexpr std::chrono::milliseconds k_poll(250);

}  // namespace

int open_pidfd(pid_t pid) noexcept {
#ifdef SYS_pidfd_open
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));  // always close-on-exec
#else
  static_cast<void>(pid);
  return -1;
#endif
}

struct ProcessWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::posix::stream_descriptor pidfd;
  boost::asio::steady_timer poll;
  const Host& host;
  ProcessId process;
  std::function<void()> on_gone;

  Impl(boost::asio::io_context& context, const Host& of, ProcessId watched, std::function<void()> handler)
      : pidfd(context), poll(context), host(of), process(std::move(watched)), on_gone(std::move(handler)) {}

  void start() {
    const int descriptor = open_pidfd(process.pid);
    if (descriptor >= 0) {
      pidfd.assign(descriptor);
      // Readable when the process has ended. The check below then compares the identity: the pid may be reused.
      pidfd.async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [self = weak_from_this()](const error_code& error) {
                         const auto alive = self.lock();
                         if (alive && !error) alive->gone();
                       });
    }
    check_after(std::chrono::milliseconds(0));
  }

  void check_after(std::chrono::milliseconds wait) {
    poll.expires_after(wait);
    poll.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->check();
    });
  }

  void check() {
    if (!is_alive(host, process)) return gone();
    if (!pidfd.is_open()) check_after(k_poll);
  }

  void gone() {
    error_code ignored;
    pidfd.close(ignored);  // NOLINT(bugprone-unused-return-value)
    poll.cancel();
    if (const auto handler = std::exchange(on_gone, nullptr)) handler();
  }
};

ProcessWatch::ProcessWatch(boost::asio::io_context& context, const Host& host, ProcessId process,
                           std::function<void()> on_gone)
    : impl_(std::make_shared<Impl>(context, host, std::move(process), std::move(on_gone))) {
  impl_->start();
}

ProcessWatch::~ProcessWatch() = default;

}  // namespace holdfast::os
