#include "supervisor/stale/stale_port_diagnosis.hpp"

#include <fmt/format.h>

namespace holdfast::supervisor {
namespace {

constexpr const char* k_keepalive = "ClientAliveInterval 30 in the bastion's sshd_config ends a stale session soon";

}  // namespace

std::optional<Diagnosis> diagnose_failed_knock(KnockResult result, const os::TcpPair& stale, const Tunnel& tunnel,
                                               const Forward& forward) {
  const auto port = forward.short_text();
  const auto bastion = tunnel->bastion.text();
  switch (result) {
    case KnockResult::busy:
    case KnockResult::unanswered:
      return std::nullopt;
    case KnockResult::answered:
      return Diagnosis{
          FailureClass::forward_busy,
          fmt::format("port {} on {} is taken, and not by the last session of this tunnel, unless a NAT on the "
                      "way has forgotten that one",
                      port, bastion),
          fmt::format("take another port; {}", k_keepalive)};
    case KnockResult::impossible:
      return Diagnosis{
          FailureClass::forward_busy,
          fmt::format("port {} on {} is still held, it seems by the last session of this tunnel, which came "
                      "from {}; that cannot be freed from here any more",
                      port, bastion, end_text(stale.local)),
          k_keepalive};
  }
  return std::nullopt;
}

std::optional<Diagnosis> diagnose_missing_knock(bool behind_proxy, const Tunnel& tunnel, const Forward& forward) {
  if (std::holds_alternative<SocketEnd>(forward.listen())) return std::nullopt;  // its file is in the way, no session
  const auto port = forward.short_text();
  const auto bastion = tunnel->bastion.text();
  if (behind_proxy)
    return Diagnosis{
        FailureClass::forward_busy,
        fmt::format("port {} on {} is taken; if it is by a stale session of this tunnel, it cannot be freed from here "
                    "through a ProxyJump or ProxyCommand",
                    port, bastion),
        k_keepalive};
  return Diagnosis{
      FailureClass::forward_busy,
      fmt::format("port {} on {} is taken, and this tunnel has held it at no time that is known here", port, bastion),
      fmt::format("take another port; {}", k_keepalive)};
}

}  // namespace holdfast::supervisor
