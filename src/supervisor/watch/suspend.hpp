// Reports that the machine resumed from suspend, or that its clock was set: timerfd_create(2), TFD_TIMER_CANCEL_ON_SET.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// The kernel cancels a realtime timer when the realtime clock jumps, as it does at every resume. No polling. A jump
/// without a suspend costs one probe.
class SuspendWatch {
 public:
  SuspendWatch(boost::asio::io_context& context, std::function<void()> on_resume);
  ~SuspendWatch();
  SuspendWatch(const SuspendWatch&) = delete;
  SuspendWatch& operator=(const SuspendWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
