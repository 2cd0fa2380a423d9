#include "supervisor/machine/fleet_spread.hpp"

#include <cmath>
#include <functional>
#include <string>
#include <variant>

namespace holdfast::supervisor {

double retry_slot_of(const Forward& forward) {
  constexpr double k_golden_ratio = 0.618'033'988'749'894'8;
  const End& listen = forward.listen();
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  const auto number = tcp != nullptr
                          ? tcp->port
                          : static_cast<std::uint16_t>(std::hash<std::string>{}(std::get<SocketEnd>(listen).path));
  const double turns = number * k_golden_ratio;
  return turns - std::floor(turns);
}

Milliseconds spread_delay(double slot, Milliseconds span) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(span.count()) * slot));
}

Milliseconds since_epoch() {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

Milliseconds until_retry_slot(double slot, Milliseconds now, Milliseconds period) {
  const Milliseconds moment = spread_delay(slot, period);
  const Milliseconds into = now % period;
  const Milliseconds wait = moment > into ? moment - into : moment + period - into;
  return wait < period / 8 ? wait + period : wait;
}

}  // namespace holdfast::supervisor
