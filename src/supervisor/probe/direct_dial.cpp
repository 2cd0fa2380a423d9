#include "supervisor/probe/direct_dial.hpp"

#include "os/tcp_sockets.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;
using Found = TargetConnections::Found;
using Kind = DirectDial::Kind;

constexpr std::chrono::seconds k_connect_timeout(2);
constexpr std::chrono::seconds k_target_timeout(3);
constexpr std::chrono::milliseconds k_between_looks(20);

}  // namespace

struct DirectDialler::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  tcp::socket socket;
  boost::asio::steady_timer timer;
  std::function<Found()> find;
  std::function<void(DirectDial)> on_done;
  std::chrono::steady_clock::time_point deadline;

  explicit Impl(boost::asio::io_context& owner) : context(owner), socket(owner), timer(owner) {}

  void finish(DirectDial result) {
    error_code ignored;
    timer.cancel();
    socket.close(ignored);
    if (const auto handler = std::exchange(on_done, nullptr)) handler(result);
  }

  void wait(std::chrono::milliseconds time, void (Impl::*next)()) {
    timer.expires_after(time);
    timer.async_wait([self = weak_from_this(), next](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled && alive->on_done) ((*alive).*next)();
    });
  }

  void start(const TcpEnd& end) {
    error_code error;
    const auto address = boost::asio::ip::make_address(end.host, error);
    if (error) return boost::asio::post(context, [self = shared_from_this()] { self->finish({}); });
    wait(k_connect_timeout, &Impl::give_up);
    socket.async_connect({address, end.port}, [self = weak_from_this()](const error_code& result) {
      const auto alive = self.lock();
      if (alive && alive->on_done && result != boost::asio::error::operation_aborted) alive->on_connected(result);
    });
  }

  void give_up() { finish({Kind::silent}); }

  void on_connected(const error_code& error) {
    const bool is_reset =
        error == boost::asio::error::connection_refused && os::was_answered_by_peer(socket.native_handle());
    if (error) return finish({is_reset ? Kind::refused : Kind::silent});
    deadline = std::chrono::steady_clock::now() + k_target_timeout;
    look();
  }

  void look() {
    const auto found = find();
    const bool is_over = std::chrono::steady_clock::now() >= deadline;
    if (found == Found::connected || found == Found::unknown || is_over) return finish({Kind::answered, found});
    wait(k_between_looks, &Impl::look);
  }
};

DirectDialler::DirectDialler(boost::asio::io_context& context) : impl_(std::make_shared<Impl>(context)) {}
DirectDialler::~DirectDialler() = default;

void DirectDialler::start(const TcpEnd& end, std::function<Found()> find, std::function<void(DirectDial)> on_done) {
  impl_->find = std::move(find);
  impl_->on_done = std::move(on_done);
  impl_->start(end);
}

}  // namespace holdfast::supervisor
