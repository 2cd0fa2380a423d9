// Tells addresses from host names.
#pragma once

#include <string>

namespace holdfast {

/// True for an IPv4 or IPv6 address without brackets and zone. "db" and "cafe" are host names.
[[nodiscard]] bool is_ip_address(const std::string& text) noexcept;

}  // namespace holdfast
