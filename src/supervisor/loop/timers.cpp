#include "supervisor/loop/timers.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <optional>
#include <utility>

namespace holdfast::supervisor {

struct Timers::Impl {
  std::array<std::optional<boost::asio::steady_timer>, k_timers> timers;
  std::function<void(Timer, Clock::duration)> on_fired;

  boost::asio::steady_timer& of(Timer timer) { return *timers.at(static_cast<std::size_t>(timer)); }
};

Timers::Timers(boost::asio::io_context& context, std::function<void(Timer, Clock::duration)> on_fired)
    : impl_(std::make_unique<Impl>()) {
  for (auto& timer : impl_->timers) timer.emplace(context);
  impl_->on_fired = std::move(on_fired);
}

Timers::~Timers() = default;

void Timers::set(Timer timer, Milliseconds wait) {
  auto& one = impl_->of(timer);
  one.expires_after(wait);
  one.async_wait([impl = impl_.get(), timer, due = one.expiry()](const boost::system::error_code& cancelled) {
    // The handler may be queued already when the timer is replaced or cancelled: compare the expiry.
    if (!cancelled && impl->of(timer).expiry() == due) impl->on_fired(timer, Clock::now() - due);
  });
}

void Timers::cancel(Timer timer) { impl_->of(timer).expires_at(boost::asio::steady_timer::time_point::max()); }

}  // namespace holdfast::supervisor
