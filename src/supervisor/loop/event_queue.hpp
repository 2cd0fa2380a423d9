// Hands events to a machine one at a time. An event that an action posts is handled after the actions beside it.
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
void run_soon(boost::asio::io_context& context, std::function<void()> handler);

template <class Event>
class EventQueue {
 public:
  /// `handle` is called from the io_context, never from within itself; `chance` is random in [0, 1).
  EventQueue(boost::asio::io_context& context, std::function<void(const Event&, double chance)> handle)
      : context_(context), handle_(std::move(handle)) {}

  void post(Event event) {
    events_.push_back(std::move(event));
    if (!handling_) run_soon(context_, [this] { handle_all(); });
  }

  /// Handles every queued event now. Does nothing when called from `handle`.
  void handle_all() {
    if (std::exchange(handling_, true)) return;
    while (!events_.empty()) {
      const Event event = std::move(events_.front());
      events_.pop_front();
      handle_(event, std::uniform_real_distribution<double>(0.0, 1.0)(random_));
    }
    handling_ = false;
  }

 private:
  boost::asio::io_context& context_;
  std::function<void(const Event&, double)> handle_;
  std::deque<Event> events_;
  bool handling_ = false;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace holdfast::supervisor
