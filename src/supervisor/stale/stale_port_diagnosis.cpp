#include "supervisor/stale/stale_port_diagnosis.hpp"

#include <fmt/format.h>

namespace holdfast::supervisor {

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
          fmt::format("port {} on {} is in use, but not by the last session of this tunnel, unless a NAT on the way "
                      "has forgotten that session",
                      port, bastion),
          fmt::format("use another port, or {}", k_keepalive_hint)};
    case KnockResult::impossible:
      return Diagnosis{
          FailureClass::forward_busy,
          fmt::format("port {} on {} is still held, probably by the last session of this tunnel, which came from "
                      "{}: it cannot be freed from here",
                      port, bastion, end_text(stale.local)),
          k_keepalive_hint};
  }
  return std::nullopt;
}

std::optional<Diagnosis> diagnose_missing_knock(bool behind_proxy, const Tunnel& tunnel, const Forward& forward) {
  if (std::holds_alternative<SocketEnd>(forward.listen()))
    return std::nullopt;  // a leftover file blocks it, not a session
  const auto port = forward.short_text();
  const auto bastion = tunnel->bastion.text();
  if (behind_proxy)
    return Diagnosis{
        FailureClass::forward_busy,
        fmt::format("port {} on {} is in use; if a stale session of this tunnel holds it, it cannot be freed from here "
                    "through a ProxyJump or ProxyCommand",
                    port, bastion),
        k_keepalive_hint};
  return Diagnosis{
      FailureClass::forward_busy,
      fmt::format("port {} on {} is in use, and no earlier session of this tunnel is known here", port, bastion),
      fmt::format("use another port, or {}", k_keepalive_hint)};
}

}  // namespace holdfast::supervisor
