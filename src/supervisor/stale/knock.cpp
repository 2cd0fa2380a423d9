#include "supervisor/stale/knock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace holdfast::supervisor {
namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;

// The first SYN ends the stale session; the second one, a second later, connects.
constexpr std::chrono::milliseconds k_timeout(2500);

std::optional<tcp::endpoint> endpoint_of(const TcpEnd& end) {
  error_code error;
  const auto address = boost::asio::ip::make_address(end.host, error);
  if (error) return std::nullopt;
  return tcp::endpoint(address, end.port);
}

KnockResult result_of(const error_code& error) {
  if (!error) return KnockResult::answered;
  if (error == boost::asio::error::address_in_use || error == boost::system::errc::address_not_available)
    return KnockResult::busy;  // connect(2) returns the latter while the same pair of endpoints exists
  if (error == boost::asio::error::connection_refused) return KnockResult::impossible;
  return KnockResult::unanswered;
}

}  // namespace

struct Knocker::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  tcp::socket socket;
  boost::asio::steady_timer deadline;
  std::function<void(KnockResult)> on_done;

  explicit Impl(boost::asio::io_context& owner) : context(owner), socket(owner), deadline(owner) {}

  void finish(KnockResult result) {
    error_code ignored;
    deadline.cancel();
    if (socket.is_open()) {
      socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);  // leave no TIME_WAIT on that port
      socket.close(ignored);
    }
    if (const auto handler = std::exchange(on_done, nullptr)) handler(result);
  }

  void finish_later(KnockResult result) {
    boost::asio::post(context, [self = weak_from_this(), result] {
      if (const auto alive = self.lock()) alive->finish(result);
    });
  }

  void start(const os::TcpPair& stale) {
    const auto local = endpoint_of(stale.local);
    const auto peer = endpoint_of(stale.peer);
    if (!local || !peer) return finish_later(KnockResult::impossible);
    error_code error;
    socket.open(local->protocol(), error);
    if (!error) socket.set_option(tcp::socket::reuse_address(true), error);
    if (!error) socket.bind(*local, error);
    if (error == boost::system::errc::address_not_available) return finish_later(KnockResult::impossible);
    if (error) return finish_later(result_of(error));
    deadline.expires_after(k_timeout);
    deadline.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->finish(KnockResult::unanswered);
    });
    socket.async_connect(*peer, [self = weak_from_this()](const error_code& result) {
      const auto alive = self.lock();
      if (alive && result != boost::asio::error::operation_aborted) alive->finish(result_of(result));
    });
  }
};

Knocker::Knocker(boost::asio::io_context& context) : impl_(std::make_shared<Impl>(context)) {}
Knocker::~Knocker() = default;

void Knocker::knock(const os::TcpPair& stale, std::function<void(KnockResult)> on_done) {
  impl_->on_done = nullptr;
  impl_->finish(KnockResult::unanswered);
  impl_ = std::make_shared<Impl>(impl_->context);
  impl_->on_done = std::move(on_done);
  impl_->start(stale);
}

}  // namespace holdfast::supervisor
