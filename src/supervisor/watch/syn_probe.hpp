// One SYN to a TCP port, to learn whether its host answers. An open port's answer is met with a reset instead of the
// handshake's last packet, so the server's accept(2) never sees the connection.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine/backoff.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// For an answer. Shorter than TCP's first retransmission (RFC 6298: 1 s), which would send a second SYN.
inline constexpr Milliseconds k_syn_timeout(900);

class SynProbe {
 public:
  enum class Outcome {
    open,
    reset,     ///< The host answers, and nothing listens.
    rejected,  ///< An ICMP message, as from a firewall, refused the connection.
    silent,    ///< No answer within k_syn_timeout, or no route.
  };

  explicit SynProbe(boost::asio::io_context& context);
  ~SynProbe();
  SynProbe(const SynProbe&) = delete;
  SynProbe& operator=(const SynProbe&) = delete;

  /// `bastion` is numeric. `handler` is called once and later, unless stop() or another start() comes first.
  void start(const TcpEnd& bastion, std::function<void(Outcome)> handler);
  void stop();

 private:
  struct Impl;
  boost::asio::io_context& context_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
