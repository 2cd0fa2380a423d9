#include "supervisor/probe/local_target.hpp"

#include "os/socket_addresses.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace holdfast::supervisor {
namespace {

using Generic = boost::asio::generic::stream_protocol;
using error_code = boost::system::error_code;

constexpr std::chrono::seconds k_timeout(1);

}  // namespace

struct LocalTarget::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  Generic::socket socket;
  boost::asio::steady_timer deadline;
  std::vector<os::SocketAddress> untried;
  std::function<void(bool)> on_answer;

  explicit Impl(boost::asio::io_context& owner) : context(owner), socket(owner), deadline(owner) {}

  void finish(bool answers) {
    error_code ignored;
    socket.close(ignored);  // NOLINT(bugprone-unused-return-value)
    deadline.cancel();
    if (const auto handler = std::exchange(on_answer, nullptr)) handler(answers);
  }

  void finish_later(bool answers) {
    boost::asio::post(context, [self = weak_from_this(), answers] {
      if (const auto alive = self.lock()) alive->finish(answers);
    });
  }

  void try_next() {
    if (untried.empty()) return finish(false);
    const Generic::endpoint endpoint(untried.front().data(), untried.front().size());
    untried.erase(untried.begin());
    error_code ignored;
    socket.close(ignored);  // NOLINT(bugprone-unused-return-value)
    socket.async_connect(endpoint, [self = weak_from_this()](const error_code& error) {
      const auto alive = self.lock();
      if (!alive || error == boost::asio::error::operation_aborted) return;
      if (!error) return alive->finish(true);
      alive->try_next();
    });
  }

  void start(const End& target) {
    untried = os::socket_addresses(target);
    if (untried.empty()) return finish_later(true);
    deadline.expires_after(k_timeout);
    deadline.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->finish(false);
    });
    try_next();
  }
};

LocalTarget::LocalTarget(boost::asio::io_context& context) : impl_(std::make_shared<Impl>(context)) {}
LocalTarget::~LocalTarget() = default;

void LocalTarget::connect(const End& target, std::function<void(bool)> on_answer) {
  impl_->on_answer = std::move(on_answer);
  impl_->start(target);
}

}  // namespace holdfast::supervisor
