#include "tunnels/import/successor.hpp"

#include "backends/host/logind.hpp"
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
std::string why_not_successor(const TunnelStatus& status, const AutosshCommand& legacy, const Survives& at_least) {
  if (status.elsewhere) return "belongs to host " + printable(status.host.value_or("another"));
  if (!status.is_up())
    return fmt::format("is not up on this host ({})", to_text(status.state.value_or(TunnelState::stopped)));
  if (!status.verified.value_or(false)) return "is up, but not verified end to end";
  if (status.bastion != legacy.bastion.text())
    return "is up at another bastion, " + printable(status.bastion.value_or("unknown"));
  for (const auto& forward : legacy.forwards)
    if (!is_forwarded(forward, status)) return "does not forward " + printable(end_text(forward.listen()));
  if (!status.backend.installed.value_or(false)) return "is up, but is not installed on this host";
  const auto loss = survival_loss(at_least, status.backend.survives.value_or(Survives{}));
  if (!loss.empty()) return fmt::format("is up, but with {} it {}", status.backend.name.value_or("its backend"), loss);
  return {};
}

std::string remedy(const TunnelStatus& status, const std::string& name_and_scope) {
  if (status.elsewhere || status.host == k_any_host) return k_other_name;
  if (status.state == TunnelState::stopped) return "holdfast start" + name_and_scope;
  // The legacy tunnel holds the port.
  if (status.last_error && status.last_error->diagnosis.failure == FailureClass::forward_busy)
    return fmt::format("holdfast remove{}, then import again", name_and_scope);
  if (status.is_up() && status.verified.value_or(false))
    return fmt::format("holdfast move{} --backend auto, then import again", name_and_scope);
  return "holdfast status" + name_and_scope;
}

}  // namespace

Survives survival_of(const LegacyEntry& source, const os::Host& host) {
  constexpr Survival k_yes{Survival::Kind::yes, {}};
  constexpr Survival k_at_login{Survival::Kind::at_login, {}};
  switch (source.kind) {
    case LegacyEntry::Kind::crontab:
    case LegacyEntry::Kind::system_crontab:
      return {{}, k_yes, k_yes};
    case LegacyEntry::Kind::unit: {
      const auto survival = backends::is_lingering(host, host.user()) ? k_yes : k_at_login;
      return {{}, survival, survival};
    }
    case LegacyEntry::Kind::file:
      break;
  }
  return {{}, {}, k_at_login};
}

std::string survival_loss(const Survives& at_least, const Survives& successor) {
  std::string text;
  const auto compare = [&](const Survival& before, const Survival& after, std::string_view event) {
    if (after.kind >= before.kind) return;
    text += text.empty() ? "" : ", ";
    text += after.kind == Survival::Kind::no ? fmt::format("does not survive {}", event)
                                             : fmt::format("is back after {} only at the next login", event);
  };
  compare(at_least.logout, successor.logout, "a logout");
  compare(at_least.reboot, successor.reboot, "a reboot");
  return text;
}

Result<> check_successor(const LegacyEntry& source, const TunnelName& name, const store::Paths& paths,
                         const os::Host& host) {
  const AutosshCommand& legacy = *source.command;
  const store::Entry entry{name, store::load(host, paths, name)};
  if (!entry.tunnel || (*entry.tunnel)->bastion != legacy.bastion || (*entry.tunnel)->forwards != legacy.forwards)
    return Error{"importing", source.where, "another tunnel " + name.text() + " exists already", k_other_name};
  std::vector<std::string> warnings;
  const auto status = gather_status({entry}, paths, host, warnings).front();
  // The system scope has one backend, which survives everything.
  const auto at_least = paths.scope == Scope::user ? survival_of(source, host) : Survives{};
  const auto reason = why_not_successor(status, legacy, at_least);
  if (reason.empty()) return {};
  return Error{"importing", source.where, fmt::format("tunnel {} exists already and {}", name.text(), reason),
               remedy(status, scope_words(paths.scope, host) + " " + name.text())};
}

}  // namespace holdfast::tunnels
