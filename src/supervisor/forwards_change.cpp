#include "supervisor/forwards_change.hpp"

#include <algorithm>

namespace holdfast::supervisor {

bool needs_new_login(const Tunnel& now, const Tunnel& wanted) {
  // autossh gives its ssh the forwards as arguments.
  if (wanted->engine == Engine::autossh) return true;
  // Everything else is nothing to ssh: so a key that is added one day needs a new login until it is named here.
  TunnelSpec same = now.spec();
  same.forwards = wanted->forwards;
  same.probe_interval = wanted->probe_interval;
  same.host = wanted->host;
  same.backend = wanted->backend;
  same.takeover = wanted->takeover;
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
