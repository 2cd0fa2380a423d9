// Frees a bastion's port from our own stale session.
//
// After an unclean end the bastion may hold our former session, and with it the port, for hours: nothing told it that
// we are gone. A plain connect() from that session's very address and port to the bastion's ssh port makes its kernel
// answer for the old connection (a challenge ACK, RFC 5961 section 4.2), which ours, knowing nothing of it, answers
// with a reset (RFC 9293 section 3.10.7.3): the stale session ends and its port is free. Needs no privilege.
#pragma once

#include "os/tcp_sockets.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

enum class KnockResult {
  answered,    ///< the connect went through: no stale session is there, or not any more
  busy,        ///< an orphan of ours still holds the local port: worth trying again
  unanswered,  ///< no word from the bastion in time: worth trying again
  impossible,  ///< this address is not ours any more, or the bastion refuses: no use trying again
};

class Knocker {
 public:
  explicit Knocker(boost::asio::io_context& context);
  ~Knocker();
  Knocker(const Knocker&) = delete;
  Knocker& operator=(const Knocker&) = delete;

  /// Knocks from `stale.local` at `stale.peer`; a knock under way is let go. `on_done` is called once, later.
  void knock(const os::TcpPair& stale, std::function<void(KnockResult)> on_done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
