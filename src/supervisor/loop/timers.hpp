// The timers of a machine, on an io_context.
#pragma once

#include "supervisor/machine/actions.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class Timers {
 public:
  /// `on_fired` is called once for each set() that was neither cancelled nor replaced; `late`: the delay since it was
  /// due.
  Timers(boost::asio::io_context& context, std::function<void(Timer, Clock::duration late)> on_fired);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  void set(Timer timer, Milliseconds wait);
  void cancel(Timer timer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
