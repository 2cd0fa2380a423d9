#include "supervisor/path_watch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace holdfast::supervisor {
namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;

// Of one connection. Shorter than TCP's first retransmission (RFC 6298: 1 s): a second SYN would bring twice as many
// back in the moment of the return.
constexpr Milliseconds k_patience(900);

}  // namespace

struct PathWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  tcp::socket socket;
  boost::asio::steady_timer timer;
  std::function<void()> on_back;
  tcp::endpoint bastion;
  double place = 0;
  bool failed = false;   ///< the edge has its first half
  bool refused = false;  ///< so the last connection ended
  bool connecting = false;
  bool on = false;
  bool over = false;  ///< it was seen open

  Impl(boost::asio::io_context& owner, std::function<void()> handler)
      : context(owner), socket(owner), timer(owner), on_back(std::move(handler)) {}

  void wait_for_turn() { wait(until_look(place, since_epoch(), refused)); }

  void wait(Milliseconds span) {
    timer.expires_after(span);
    timer.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->on_timer();
    });
  }

  void on_timer() {
    if (std::exchange(connecting, false)) {  // no answer
      failed = true;
      refused = false;
      close();
      return wait_for_turn();
    }
    error_code error;
    socket.open(bastion.protocol(), error);
    if (error) return wait_for_turn();
    connecting = true;
    socket.async_connect(bastion, [self = weak_from_this()](const error_code& result) {
      const auto alive = self.lock();
      if (alive && result != boost::asio::error::operation_aborted) alive->on_connected(result);
    });
    wait(k_patience);
  }

  void on_connected(const error_code& error) {
    connecting = false;
    close();
    if (error) {
      failed = true;
      refused = error == boost::asio::error::connection_refused;
      return wait_for_turn();
    }
    timer.cancel();
    over = true;
    if (!failed) return;           // it was there all along: nothing to wait for, and the bastion is left in peace
    const auto handler = on_back;  // which may stop us
    handler();
  }

  void close() {
    error_code ignored;
    socket.close(ignored);  // NOLINT(bugprone-unused-return-value)
  }
};

PathWatch::PathWatch(boost::asio::io_context& context, std::function<void()> on_back)
    : impl_(std::make_shared<Impl>(context, std::move(on_back))) {}
PathWatch::~PathWatch() = default;

void PathWatch::start(const TcpEnd& bastion, double place, const WatchPath& known) {
  error_code error;
  const auto address = boost::asio::ip::make_address(bastion.host, error);
  if (error) return stop();
  const tcp::endpoint wanted(address, bastion.port);
  if (!impl_->on || impl_->over || impl_->bastion != wanted) {
    stop();
    impl_->on = true;
    impl_->bastion = wanted;
    impl_->place = place;
    impl_->refused = known.refused;
    impl_->wait_for_turn();
  }
  impl_->failed |= known.gone;
}

// What is under way holds the former Impl weakly: it comes to nothing.
void PathWatch::stop() { impl_ = std::make_shared<Impl>(impl_->context, std::move(impl_->on_back)); }

}  // namespace holdfast::supervisor
