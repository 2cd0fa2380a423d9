#include "supervisor/watch/syn_probe.hpp"

#include "os/tcp_sockets.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;

}  // namespace

struct SynProbe::Impl : std::enable_shared_from_this<Impl> {
  tcp::socket socket;
  boost::asio::steady_timer timer;
  std::function<void(Outcome)> handler;

  Impl(boost::asio::io_context& context, std::function<void(Outcome)> when_done)
      : socket(context), timer(context), handler(std::move(when_done)) {}

  void begin(const TcpEnd& bastion) {
    error_code error;
    const auto address = boost::asio::ip::make_address(bastion.host, error);
    if (!error) socket.open(address.is_v4() ? tcp::v4() : tcp::v6(), error);
    timer.expires_after(error ? Milliseconds{0} : k_syn_timeout);
    timer.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->finish(Outcome::silent);
    });
    if (error) return;
    // Without TCP_QUICKACK Linux delays the handshake's last packet by 40 ms or more, to send it with data. The socket
    // is reset before that. On a kernel that does not delay it, sshd sees a connection that sends nothing.
    const int off = 0;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    socket.async_connect(tcp::endpoint(address, bastion.port), [self = weak_from_this()](const error_code& result) {
      const auto alive = self.lock();
      if (alive && result != boost::asio::error::operation_aborted) alive->on_connected(result);
    });
  }

  void on_connected(const error_code& error) {
    if (!error) return finish(Outcome::open);
    if (error != boost::asio::error::connection_refused) return finish(Outcome::silent);
    finish(os::was_answered_by_peer(socket.native_handle()) ? Outcome::reset : Outcome::rejected);
  }

  void finish(Outcome outcome) {
    timer.cancel();
    error_code ignored;
    socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);  // NOLINT(bugprone-unused-return-value)
    socket.close(ignored);                                                  // NOLINT(bugprone-unused-return-value)
    if (const auto done = std::exchange(handler, nullptr)) done(outcome);
  }
};

SynProbe::SynProbe(boost::asio::io_context& context) : context_(context) {}
SynProbe::~SynProbe() = default;

void SynProbe::start(const TcpEnd& bastion, std::function<void(Outcome)> handler) {
  impl_ = std::make_shared<Impl>(context_, std::move(handler));
  impl_->begin(bastion);
}

// Pending operations hold the former Impl weakly, so they do nothing.
void SynProbe::stop() { impl_.reset(); }

}  // namespace holdfast::supervisor
