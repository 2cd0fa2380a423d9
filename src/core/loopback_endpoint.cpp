#include "core/loopback_endpoint.hpp"

namespace holdfast {

End loopback_endpoint(const End& listen) {
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  if (tcp == nullptr) return listen;
  if (tcp->host.empty() || tcp->host == "*" || tcp->host == "0.0.0.0") return TcpEnd{"127.0.0.1", tcp->port};
  if (tcp->host == "::") return TcpEnd{"::1", tcp->port};
  return listen;
}

}  // namespace holdfast
