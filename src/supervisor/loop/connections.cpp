#include "supervisor/loop/connections.hpp"

#include "os/tcp_flow.hpp"

#include <utility>

namespace holdfast::supervisor {

void Connections::begin(const std::string& bastion, bool is_last) {
  bastion_ = bastion;
  noted_ = is_kept_ = is_last;
  current_.reset();
  carrying_.reset();
  if (is_last) carrying_ = last(bastion);
}

void Connections::note(pid_t ssh, std::chrono::seconds keepalive) {
  if (std::exchange(noted_, true)) return;
  current_ = os::established_connection(ssh);
  behind_proxy_ = !current_;
  (void)os::tune_connection(ssh, keepalive);  // where that is not possible, ssh's own keepalive has short times
}

bool Connections::keep() {
  if (std::exchange(is_kept_, true)) return false;
  if (!current_) {  // held, but the connection belongs to a proxy
    last_.insert_or_assign(bastion_, std::nullopt);
    stale_.insert_or_assign(bastion_, std::nullopt);
    return true;
  }
  carrying_ = std::exchange(current_, std::nullopt);
  last_.insert_or_assign(bastion_, *carrying_);
  stale_.insert_or_assign(bastion_, *carrying_);
  return true;
}

std::optional<os::TcpPair> Connections::stale() const {
  const auto here = current_ ? current_ : carrying_;
  for (const auto& [bastion, pair] : stale_) {
    // Two bastion names may mean the same machine.
    if (!pair) continue;
    const bool is_here = bastion == bastion_ || (here && here->peer.host == pair->peer.host);
    if (is_here && pair != carrying_ && pair != current_) return pair;
  }
  return std::nullopt;
}

std::optional<os::TcpPair> Connections::stale_at(const std::string& bastion) const {
  const auto found = stale_.find(bastion);
  return found == stale_.end() || found->second == carrying_ ? std::nullopt : found->second;
}

void Connections::forget_stale(const os::TcpPair& gone) {
  std::erase_if(stale_, [&](const auto& one) { return one.second == gone; });
}

bool Connections::was_behind_proxy(const std::string& bastion) const {
  const auto found = last_.find(bastion);
  return found != last_.end() && !found->second;
}

std::optional<os::TcpPair> Connections::last(const std::string& bastion) const {
  const auto found = last_.find(bastion);
  return found == last_.end() ? std::nullopt : found->second;
}

}  // namespace holdfast::supervisor
