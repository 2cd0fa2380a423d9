#include "supervisor/watch/suspend.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::time_t k_far_off = 10L * 365 * 24 * 3600;

}  // namespace

struct SuspendWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::posix::stream_descriptor timer;
  std::function<void()> on_resume;

  Impl(boost::asio::io_context& context, int descriptor, std::function<void()> handler)
      : timer(context, descriptor), on_resume(std::move(handler)) {}

  bool arm() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    itimerspec when{};
    when.it_value.tv_sec = now.tv_sec + k_far_off;
    return ::timerfd_settime(timer.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) == 0;
  }

  void listen() {
    timer.async_wait(boost::asio::posix::descriptor_base::wait_read,
                     [self = weak_from_this()](const boost::system::error_code& error) {
                       const auto alive = self.lock();
                       if (!alive || error) return;
                       std::uint64_t expirations = 0;
                       const ssize_t got = ::read(alive->timer.native_handle(), &expirations, sizeof expirations);
                       const bool jumped = got < 0 && errno == ECANCELED;
                       if (!alive->arm()) return;
                       if (jumped) alive->on_resume();
                       alive->listen();
                     });
  }
};

SuspendWatch::SuspendWatch(boost::asio::io_context& context, std::function<void()> on_resume) {
  const int descriptor = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (descriptor < 0) return;
  impl_ = std::make_shared<Impl>(context, descriptor, std::move(on_resume));
  if (impl_->arm()) impl_->listen();
}

SuspendWatch::~SuspendWatch() = default;

}  // namespace holdfast::supervisor
