// Learns which addresses of the bastion each forward listens on: one connection to each forward's port at the address
// that ssh is connected to, once a login. It goes to the forwarded port, not to the bastion's sshd, and sends nothing.
#pragma once

#include "core/tunnel.hpp"
#include "store/live_state.hpp"
#include "supervisor/machine/events.hpp"

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class BoundCheck {
 public:
  /// By the forward's listening end, as a text.
  using Bounds = std::map<std::string, store::Bound>;
  struct Handlers {
    std::function<std::optional<pid_t>()> ssh;
    /// True when this user's tunnels have not reached the target lately. It counts as reached then.
    std::function<bool(const std::string& target)> may_reach;
    std::function<void()> on_change;  ///< bounds() changed.
  };

  BoundCheck(boost::asio::io_context& context, Handlers handlers);
  ~BoundCheck();
  BoundCheck(const BoundCheck&) = delete;
  BoundCheck& operator=(const BoundCheck&) = delete;

  /// For another login: forgets everything, and ends what is running. No handler is called.
  void start_over();
  /// A previous supervisor learned that of the same connection.
  void remember(const std::string& listen, store::Bound bound);

  /// Dials these forwards, which a probe just verified, unless they were dialled over this connection. `bastion`: the
  /// address that ssh is connected to; empty: a proxy hides it, and nothing is dialled.
  void learn(const Tunnel& tunnel, const std::vector<std::size_t>& forwards, const std::optional<std::string>& bastion);

  [[nodiscard]] bool is_running() const;
  /// Calls `next` when nothing is running: now, or later. start_over() drops it. The connections of a dial and of a
  /// probe to the same target could not be told apart.
  void when_idle(std::function<void()> next);

  [[nodiscard]] const Bounds& bounds() const;
  /// A probe's answer, as far as the bound addresses allow it: a forward that does not listen where it was asked to is
  /// not verified.
  [[nodiscard]] ProbeAnswered limit(const Tunnel& tunnel, ProbeAnswered answer) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
