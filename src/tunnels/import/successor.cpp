#include "tunnels/import/successor.hpp"

#include "core/text.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/status.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {
namespace {

using store::TunnelState;

constexpr auto k_other_name = "give --name NAME";

bool is_forwarded(const Forward& forward, const TunnelStatus& status) {
  return std::ranges::any_of(status.forwards, [&](const TunnelStatus::Forward& live) {
    return live.listen == end_text(forward.listen()) && live.target == end_text(forward.target()) &&
           live.state == store::ForwardState::up;
  });
}

/// Why the tunnel cannot replace `legacy`, as the end of a sentence "tunnel NAME …"; empty when it can.
std::string why_not_successor(const TunnelStatus& status, const AutosshCommand& legacy) {
  if (status.elsewhere) return "belongs to host " + printable(status.host.value_or("another"));
  if (!status.is_up())
    return fmt::format("is not up on this host ({})", to_text(status.state.value_or(TunnelState::stopped)));
  if (!status.verified.value_or(false)) return "is up, but not verified end to end";
  if (status.bastion != legacy.bastion.text())
    return "is up at another bastion, " + printable(status.bastion.value_or("unknown"));
  for (const auto& forward : legacy.forwards)
    if (!is_forwarded(forward, status)) return "does not forward " + printable(end_text(forward.listen()));
  if (!status.backend.installed.value_or(false)) return "is up, but is not installed on this host";
  return {};
}

std::string remedy(const TunnelStatus& status, const std::string& name_and_scope) {
  if (status.elsewhere || status.host == k_any_host) return k_other_name;
  if (status.state == TunnelState::stopped) return "holdfast start" + name_and_scope;
  // The legacy tunnel holds the port.
  if (status.last_error && status.last_error->diagnosis.failure == FailureClass::forward_busy)
    return fmt::format("holdfast remove{}, then import again", name_and_scope);
  return "holdfast status" + name_and_scope;
}

}  // namespace

Result<> check_successor(const LegacyEntry& source, const TunnelName& name, const store::Paths& paths,
                         const os::Host& host) {
  const AutosshCommand& legacy = *source.command;
  const store::Entry entry{name, store::load(host, paths, name)};
  if (!entry.tunnel || (*entry.tunnel)->bastion != legacy.bastion || (*entry.tunnel)->forwards != legacy.forwards)
    return Error{"importing", source.where, "another tunnel " + name.text() + " exists already", k_other_name};
  std::vector<std::string> warnings;
  const auto status = gather_status({entry}, paths, host, warnings).front();
  const auto reason = why_not_successor(status, legacy);
  if (reason.empty()) return {};
  return Error{"importing", source.where, fmt::format("tunnel {} exists already and {}", name.text(), reason),
               remedy(status, scope_words(paths.scope, host) + " " + name.text())};
}

}  // namespace holdfast::tunnels
