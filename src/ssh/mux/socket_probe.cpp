#include "ssh/mux/socket_probe.hpp"

#include "ssh/mux/mux_exchange.hpp"

#include <boost/asio/buffer.hpp>

#include <unistd.h>

#include <utility>

namespace holdfast::ssh::mux {
namespace {

using boost::system::error_code;
using Kind = ProbeAnswer::Kind;
using std::chrono::steady_clock;

}  // namespace

struct SocketProbe::Impl : std::enable_shared_from_this<Impl> {
  using Socket = boost::asio::local::stream_protocol::socket;

  boost::asio::io_context& context;
  MuxClient& mux;
  const boost::filesystem::path here;
  Socket socket;
  boost::asio::steady_timer timer;

  // The probe under way.
  ProbeRequest request;
  ProbeReader reader{request};
  MuxClient::OnProbe on_done;
  ProbeAnswer answer;
  bool retried = false;  ///< the master already had such a forward, so it was closed and requested again
  std::array<char, 1024> chunk{};
  steady_clock::time_point connected_at;

  Impl(boost::asio::io_context& owner, MuxClient& client, boost::filesystem::path path)
      : context(owner), mux(client), here(std::move(path)), socket(owner), timer(owner) {}

  ~Impl() { remove_file(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void remove_file() const noexcept { ::unlink(here.c_str()); }

  [[nodiscard]] SocketEnd near_end() const { return {here.native()}; }

  void open() {
    remove_file();
    mux.open_local(near_end(), request.listen, request.reply, [self = weak_from_this()](const Answer& reply) {
      if (const auto alive = self.lock()) alive->opened(reply);
    });
  }

  void opened(const Answer& reply) {
    if (const auto* none = std::get_if<NoReply>(&reply)) return finish(Kind::no_reply, none->why);
    if (const auto* refused = std::get_if<Refused>(&reply)) return finish(Kind::refused, refused->reason);
    connected_at = steady_clock::now();
    socket.async_connect(here.native(), [self = weak_from_this()](error_code error) {
      if (const auto alive = self.lock()) alive->connected(error);
    });
  }

  void connected(error_code error) {
    remove_file();  // a connection does not need the file
    if (error) {
      // The master still has the forward of a killed supervisor, and its socket file is gone.
      if (std::exchange(retried, true))
        return close({Kind::no_reply, "connecting to the forwarded socket: " + error.message()});
      error_code ignored;
      socket.close(ignored);  // NOLINT(bugprone-unused-return-value)
      return mux.close_local(near_end(), request.listen, request.reply, [self = weak_from_this()](const Answer&) {
        if (const auto alive = self.lock()) alive->open();
      });
    }
    wait(reader.deadline());
    read();
  }

  void wait(Deadline span) {
    timer.expires_after(span);
    timer.async_wait([self = weak_from_this()](error_code cancelled) {
      const auto alive = self.lock();
      if (!alive || cancelled) return;
      auto outcome = alive->reader.at_deadline(steady_clock::now() - alive->connected_at);
      if (!outcome) return alive->wait(k_ask_again);
      alive->close(std::move(*outcome));
    });
  }

  void read() {
    socket.async_read_some(boost::asio::buffer(chunk), [self = weak_from_this()](error_code error, std::size_t count) {
      const auto alive = self.lock();
      if (alive && error != boost::asio::error::operation_aborted) alive->received(error, count);
    });
  }

  void received(error_code error, std::size_t count) {
    if (error) return close(reader.at_end());
    if (auto outcome = reader.add({chunk.data(), count})) return close(std::move(*outcome));
    read();
  }

  /// Closes the forward, then reports the outcome.
  void close(ProbeReader::Outcome outcome) {
    answer = {outcome.kind, std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - connected_at),
              std::move(outcome.reason), reader.has_bytes()};
    error_code ignored;
    timer.cancel();
    socket.close(ignored);  // NOLINT(bugprone-unused-return-value)
    mux.close_local(near_end(), request.listen, request.reply, [self = weak_from_this()](const Answer&) {
      const auto alive = self.lock();
      if (alive) alive->finish(alive->answer.kind, alive->answer.reason);
    });
  }

  void finish(Kind kind, std::string reason) {
    remove_file();
    answer.kind = kind;
    answer.reason = std::move(reason);
    if (const auto handler = std::exchange(on_done, nullptr)) handler(std::move(answer));
  }
};

SocketProbe::SocketProbe(boost::asio::io_context& context, MuxClient& mux, boost::filesystem::path here)
    : impl_(std::make_shared<Impl>(context, mux, std::move(here))) {}

SocketProbe::~SocketProbe() = default;

void SocketProbe::probe(const ProbeRequest& request, MuxClient::OnProbe handler) {
  impl_ = std::make_shared<Impl>(impl_->context, impl_->mux, impl_->here);
  impl_->request = request;
  impl_->reader = ProbeReader(request);
  impl_->on_done = std::move(handler);
  impl_->open();
}

}  // namespace holdfast::ssh::mux
