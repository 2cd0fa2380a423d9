#include "core/port_range.hpp"

#include "core/text.hpp"

namespace holdfast {
namespace {

constexpr std::uint32_t k_highest_port = 65535;

Error refuse(std::string_view text, std::string cause) {
  return usage_error("port \"" + std::string(text.substr(0, 200)) + "\"", std::move(cause),
                     "give PORT or FIRST-LAST, as in 2230 or 2230-2239");
}

}  // namespace

Result<PortRange> PortRange::parse(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_number(text.substr(0, dash), 1, k_highest_port);
  const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1), 1, k_highest_port);
  if (!first || !last) return refuse(text, "it is not a port from 1 to 65535, or a range of them");
  if (*last < *first) return refuse(text, "the range ends before it begins");
  if (*last - *first >= k_most_ports)
    return refuse(text, "the range has more than " + std::to_string(k_most_ports) + " ports");
  return PortRange(static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last));
}

std::uint16_t PortRange::after(std::uint16_t port) const noexcept {
  return port >= first_ && port < last_ ? static_cast<std::uint16_t>(port + 1) : first_;
}

std::string PortRange::text() const {
  return is_single() ? std::to_string(first_) : std::to_string(first_) + "-" + std::to_string(last_);
}

}  // namespace holdfast
