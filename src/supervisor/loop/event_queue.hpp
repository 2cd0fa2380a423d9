// Events for a machine, one at a time: what an action brings about waits for the actions beside it.
#pragma once

#include <deque>
#include <functional>
#include <random>
#include <utility>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// boost::asio::post
void run_soon(boost::asio::io_context& context, std::function<void()> what);

template <class Event>
class EventQueue {
 public:
  /// `take` is called from the io_context, never from within itself, with a dice() of its own.
  EventQueue(boost::asio::io_context& context, std::function<void(const Event&, double chance)> take)
      : context_(context), take_(std::move(take)) {}

  /// Uniform in [0, 1).
  [[nodiscard]] double dice() { return std::uniform_real_distribution<double>(0.0, 1.0)(chance_); }

  void post(Event event) {
    events_.push_back(std::move(event));
    if (!taking_) run_soon(context_, [this] { take_all(); });
  }

  /// What waits, at once; nothing from within a take.
  void take_all() {
    if (std::exchange(taking_, true)) return;
    while (!events_.empty()) {
      const Event event = std::move(events_.front());
      events_.pop_front();
      take_(event, dice());
    }
    taking_ = false;
  }

 private:
  boost::asio::io_context& context_;
  std::function<void(const Event&, double)> take_;
  std::deque<Event> events_;
  bool taking_ = false;
  std::mt19937_64 chance_{std::random_device{}()};
};

}  // namespace holdfast::supervisor
