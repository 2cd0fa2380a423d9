#include "supervisor/forwards_change.hpp"

#include <algorithm>

namespace holdfast::supervisor {

bool needs_new_login(const Tunnel& now, const Tunnel& wanted) {
  // autossh gives its ssh the forwards as arguments.
  if (wanted->engine == Engine::autossh) return true;
  // Only these keys have no effect on ssh. A key that is not listed here needs a new login.
  TunnelSpec same = now.spec();
  same.forwards = wanted->forwards;
  same.probe_interval = wanted->probe_interval;
  same.spread = wanted->spread;
  same.host = wanted->host;
  same.backend = wanted->backend;
  same.takeover = wanted->takeover;
  same.allow_target_down = wanted->allow_target_down;
  return same != wanted.spec();
}

std::vector<std::optional<std::size_t>> find_forwards(const Tunnel& now, const Tunnel& wanted) {
  std::vector<std::optional<std::size_t>> found;
  for (const Forward& forward : wanted->forwards) {
    const auto at = std::find(now->forwards.begin(), now->forwards.end(), forward);
    found.push_back(at == now->forwards.end() ? std::nullopt : std::optional<std::size_t>(at - now->forwards.begin()));
  }
  return found;
}

}  // namespace holdfast::supervisor
