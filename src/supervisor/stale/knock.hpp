// Frees a bastion's port from this tunnel's stale session.
//
// After an unclean end the bastion may keep this tunnel's old session, and with it the port, for hours: nothing told it
// that the connection is dead. A knock is a connect() from the old session's address and port to the bastion's ssh
// port. The bastion's kernel answers for the old connection (a challenge ACK, RFC 5961 section 4.2). This machine's
// kernel does not know that connection and resets it (RFC 9293 section 3.10.7.3). The stale session ends and its port
// is free. Needs no privilege.
#pragma once

#include "os/tcp_sockets.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

enum class KnockResult {
  answered,    ///< The connect succeeded: there is no stale session (any more).
  busy,        ///< This machine's kernel still uses the local port: try again.
  unanswered,  ///< No answer from the bastion in time: try again.
  impossible,  ///< This machine no longer has the address, or the bastion refuses: do not try again.
};

class Knocker {
 public:
  explicit Knocker(boost::asio::io_context& context);
  ~Knocker();
  Knocker(const Knocker&) = delete;
  Knocker& operator=(const Knocker&) = delete;

  /// Knocks from `stale.local` at `stale.peer`; a running knock is cancelled. `on_done` is called once, later.
  void knock(const os::TcpPair& stale, std::function<void(KnockResult)> on_done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
