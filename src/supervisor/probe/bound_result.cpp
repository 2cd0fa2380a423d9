#include "supervisor/probe/bound_result.hpp"

#include "core/loopback_endpoint.hpp"

#include <boost/asio/ip/address.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

using boost::asio::ip::address;
using store::Bound;
using Found = TargetConnections::Found;

std::optional<address> numeric(const std::string& host) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6());
  return parsed;
}

bool is_wildcard(const std::string& host) { return host.empty() || host == "*" || host == "0.0.0.0" || host == "::"; }

/// sshd binds 0.0.0.0 and :: on their own address family, and "" and "*" on both.
bool covers(const std::string& wildcard, const address& dialled) {
  if (wildcard == "0.0.0.0") return dialled.is_v4();
  if (wildcard == "::") return dialled.is_v6();
  return true;
}

}  // namespace

std::optional<TcpEnd> direct_end(const std::string& bastion, const End& listen) {
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  const auto dialled = numeric(bastion);
  if (tcp == nullptr || !dialled || dialled->is_loopback() || dialled->is_unspecified()) return std::nullopt;
  return TcpEnd{dialled->to_string(), tcp->port};
}

Bound bound_of(const DirectDial& dial, const TcpEnd& dialled, const TcpEnd& listen) {
  const auto at = numeric(dialled.host);
  const bool asks_loopback = is_loopback_address(listen);
  const bool asks_wildcard = is_wildcard(listen.host);
  if (!at) return Bound::unknown;
  switch (dial.kind) {
    case DirectDial::Kind::answered: {
      if (dial.found != Found::connected) return Bound::unknown;
      const auto asked = numeric(listen.host);
      // The one address that was asked for may be the only one that it listens on.
      const bool is_another = asks_loopback || asks_wildcard || (asked && *asked != *at);
      return is_another ? Bound::all : Bound::unknown;
    }
    case DirectDial::Kind::refused:
      return asks_loopback || (asks_wildcard && covers(listen.host, *at)) ? Bound::loopback : Bound::unknown;
    case DirectDial::Kind::silent:
      break;
  }
  return Bound::unknown;
}

bool asks_for_all(const End& listen) {
  const auto* tcp = std::get_if<TcpEnd>(&listen);
  return tcp != nullptr && is_wildcard(tcp->host);
}

ForwardResult only_loopback(const Forward& forward, const std::string& bastion) {
  ForwardResult result = not_granted(forward);
  result.why->message += fmt::format(": its address {} refuses connections to that port", bastion);
  return result;
}

}  // namespace holdfast::supervisor
