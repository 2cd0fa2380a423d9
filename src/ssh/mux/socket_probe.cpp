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

  // of the probe under way
  ProbeRequest request;
  MuxClient::OnProbe on_done;
  ProbeAnswer answer;
  bool again = false;  ///< the master took the forward for one that it had: it is asked anew
  std::string heard;
  std::array<char, 1024> chunk{};
  steady_clock::time_point dialled;

  Impl(boost::asio::io_context& owner, MuxClient& client, boost::filesystem::path path)
      : context(owner), mux(client), here(std::move(path)), socket(owner), timer(owner) {}

  ~Impl() { remove_file(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void remove_file() const noexcept { ::unlink(here.c_str()); }

  [[nodiscard]] SocketEnd near_end() const { return {here.native()}; }

  void open() {
    remove_file();
    mux.open_local(near_end(), request.listen, request.reply, [self = weak_from_this()](const Answer& said) {
      if (const auto alive = self.lock()) alive->opened(said);
    });
  }

  void opened(const Answer& said) {
    if (const auto* silent = std::get_if<NoReply>(&said)) return finish(Kind::no_reply, silent->why);
    if (const auto* refused = std::get_if<Refused>(&said)) return finish(Kind::refused, refused->reason);
    dialled = steady_clock::now();
    socket.async_connect(here.native(), [self = weak_from_this()](error_code error) {
      if (const auto alive = self.lock()) alive->connected(error);
    });
  }

  void connected(error_code error) {
    remove_file();  // who is connected needs it no more
    if (error) {
      // A predecessor that was killed left the forward with the master, whose file is long gone.
      if (std::exchange(again, true)) return close(Kind::no_reply, "dialling ssh's socket: " + error.message());
      error_code ignored;
      socket.close(ignored);  // NOLINT(bugprone-unused-return-value)
      return mux.close_local(near_end(), request.listen, request.reply, [self = weak_from_this()](const Answer&) {
        if (const auto alive = self.lock()) alive->open();
      });
    }
    timer.expires_after(request.expect_ssh_banner ? request.timeout : request.stay_open);
    timer.async_wait([self = weak_from_this()](error_code cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->on_deadline();
    });
    read();
  }

  void read() {
    socket.async_read_some(boost::asio::buffer(chunk), [self = weak_from_this()](error_code error, std::size_t count) {
      const auto alive = self.lock();
      if (alive && error != boost::asio::error::operation_aborted) alive->take(error, count);
    });
  }

  void take(error_code error, std::size_t count) {
    if (error)
      return heard.empty() ? close(Kind::closed, "the connection was closed at once")
                           : close(Kind::silent, "what answers is not an sshd");
    heard.append(chunk.data(), count);
    if (has_ssh_banner(heard)) return close(Kind::banner);
    if (!request.expect_ssh_banner) return close(Kind::open);
    if (heard.size() > k_longest_banner) return close(Kind::silent, "what answers is not an sshd");
    read();
  }

  void on_deadline() {
    if (!request.expect_ssh_banner) return close(Kind::open);
    close(Kind::silent, heard.empty() ? "the connection opened, but nothing was said" : "what answers is not an sshd");
  }

  /// The answer stands; the forward is taken back before it is told.
  void close(Kind kind, std::string reason = {}) {
    answer = {kind, std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - dialled),
              std::move(reason), !heard.empty()};
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
  impl_->on_done = std::move(handler);
  impl_->open();
}

}  // namespace holdfast::ssh::mux
