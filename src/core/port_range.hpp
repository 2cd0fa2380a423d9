// One port or a range of ports of a bastion, of which a tunnel listens on one.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast {

class PortRange {
 public:
  /// A request for each port costs the bastion a line in its log.
  static constexpr std::uint32_t k_most_ports = 256;

  /// Parses PORT or PORT-PORT. A usage error for port 0, a range that ends before it begins, and more than
  /// k_most_ports.
  [[nodiscard]] static Result<PortRange> parse(std::string_view text);

  [[nodiscard]] std::uint16_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint16_t last() const noexcept { return last_; }
  [[nodiscard]] bool is_single() const noexcept { return first_ == last_; }
  /// The port after `port`; the first one after the last.
  [[nodiscard]] std::uint16_t after(std::uint16_t port) const noexcept;
  /// The normal form, which parse() accepts: "2230-2239", "2230".
  [[nodiscard]] std::string text() const;
  bool operator==(const PortRange&) const = default;

 private:
  PortRange(std::uint16_t first, std::uint16_t last) : first_(first), last_(last) {}
  std::uint16_t first_;
  std::uint16_t last_;
};

}  // namespace holdfast
