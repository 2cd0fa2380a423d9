#include "core/ip_address.hpp"

#include "core/text.hpp"

#include <arpa/inet.h>

namespace holdfast {

bool is_ip_address(const std::string& text) noexcept {
  if (has_control_bytes(text)) return false;
  in6_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 || ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace holdfast
