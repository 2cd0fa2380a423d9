#include "supervisor/machine/fleet_spread.hpp"

#include <cmath>
#include <functional>
#include <string>
#include <variant>

namespace holdfast::supervisor {

double place_of(const Forward& forward) {
  constexpr double k_golden_ratio = 0.618'033'988'749'894'8;
  const End& listen = forward.listen();
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  const auto number = tcp != nullptr
                          ? tcp->port
                          : static_cast<std::uint16_t>(std::hash<std::string>{}(std::get<SocketEnd>(listen).path));
  const double turns = number * k_golden_ratio;
  return turns - std::floor(turns);
}

Milliseconds own_wait(double place, Milliseconds span) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(span.count()) * place));
}

Milliseconds since_epoch() {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

Milliseconds until_turn(double place, Milliseconds now, Milliseconds period) {
  const Milliseconds moment = own_wait(place, period);
  const Milliseconds into = now % period;
  const Milliseconds wait = moment > into ? moment - into : moment + period - into;
  return wait < period / 8 ? wait + period : wait;
}

}  // namespace holdfast::supervisor
