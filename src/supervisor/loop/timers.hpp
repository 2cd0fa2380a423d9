// The timers of a machine, on an io_context.
#pragma once

#include "supervisor/machine/machine.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class Timers {
 public:
  /// `on_fired` is called once for each set() that was neither cancelled nor set anew since; `late`: how long after its
  /// time.
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
