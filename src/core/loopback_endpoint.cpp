#include "core/loopback_endpoint.hpp"

namespace holdfast {

End loopback_endpoint(const End& listen) {
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  if (tcp == nullptr) return listen;
  if (tcp->host.empty() || tcp->host == "*" || tcp->host == "0.0.0.0") return TcpEnd{"127.0.0.1", tcp->port};
  if (tcp->host == "::") return TcpEnd{"::1", tcp->port};
  return listen;
}

std::vector<End> loopback_endpoints(const End& listen) {
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  if (tcp == nullptr) return {listen};
  const End v4 = TcpEnd{"127.0.0.1", tcp->port};
  const End v6 = TcpEnd{"::1", tcp->port};
  if (tcp->host.empty() || tcp->host == "*" || tcp->host == "localhost") return {v4, v6};
  if (tcp->host == "::") return {v6, v4};
  return {loopback_endpoint(listen)};
}

bool is_loopback_address(const End& end) {
  const auto* tcp = std::get_if<TcpEnd>(&end);
  return tcp != nullptr && (tcp->host == "localhost" || tcp->host == "::1" || tcp->host.starts_with("127."));
}

}  // namespace holdfast
