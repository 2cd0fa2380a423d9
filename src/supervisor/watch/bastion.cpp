#include "supervisor/watch/bastion.hpp"

#include "os/tcp_sockets.hpp"
#include "supervisor/machine/connection_limit.hpp"

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

// Of one probe. Shorter than TCP's first retransmission (RFC 6298: 1 s): a second SYN would double the logins in the
// moment of the bastion's return.
constexpr Milliseconds k_timeout(900);
constexpr int k_silence_limit = 2;  // a single one may be a lost packet

enum class Outcome { reset, rejected, silent };

}  // namespace

struct BastionWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  tcp::socket socket;
  boost::asio::steady_timer timer;
  std::function<void()> on_back;
  std::function<void()> on_refused;
  std::function<void(bool)> on_blocked;
  tcp::endpoint bastion;
  double slot = 0;
  bool saw_failure = false;                 ///< The first half of the edge.
  std::optional<TimePoint> refusing_since;  ///< Empty when the last probe got no answer.
  bool reported_refusal = false;
  int silences = 0;      ///< In a row.
  bool limited = false;  ///< Probe rarely: a firewall counts connections.
  bool connecting = false;
  bool on = false;
  bool saw_open = false;  ///< Then there is nothing left to watch.

  Impl(boost::asio::io_context& owner, std::function<void()> back, std::function<void()> refused,
       std::function<void(bool)> blocked)
      : context(owner),
        socket(owner),
        timer(owner),
        on_back(std::move(back)),
        on_refused(std::move(refused)),
        on_blocked(std::move(blocked)) {}

  void wait_for_slot() {
    if (limited) return wait(k_between_limited_probes);
    std::optional<Milliseconds> refused;
    if (refusing_since) refused = std::chrono::duration_cast<Milliseconds>(Clock::now() - *refusing_since);
    wait(until_bastion_probe(slot, since_epoch(), refused));
  }

  void wait(Milliseconds span) {
    timer.expires_after(span);
    timer.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->on_timer();
    });
  }

  void on_timer() {
    if (saw_open) return report(on_back);
    if (std::exchange(connecting, false)) {  // timeout
      close();
      return on_failed(Outcome::silent);
    }
    probe();
  }

  void probe() {
    error_code error;
    socket.open(bastion.protocol(), error);
    if (error) return wait_for_slot();
    // Without TCP_QUICKACK Linux delays the handshake's last packet by 40 ms or more, to send it with data. The socket
    // is reset before that. On a kernel that does not delay it, sshd sees a connection that sends nothing.
    const int off = 0;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    connecting = true;
    socket.async_connect(bastion, [self = weak_from_this()](const error_code& result) {
      const auto alive = self.lock();
      if (alive && result != boost::asio::error::operation_aborted) alive->on_connected(result);
    });
    wait(k_timeout);
  }

  void on_connected(const error_code& error) {
    connecting = false;
    const bool reset = os::was_answered_by_peer(socket.native_handle());
    close();
    if (error && error != boost::asio::error::connection_refused) return on_failed(Outcome::silent);
    if (error) return on_failed(reset ? Outcome::reset : Outcome::rejected);
    timer.cancel();
    saw_open = true;
    if (!saw_failure) return;  // no edge: it was open all the time
    if (!refusing_since && !limited) return report(on_back);
    wait(spread_delay(slot, k_spread));
  }

  void on_failed(Outcome outcome) {
    saw_failure = true;
    silences = outcome == Outcome::silent ? silences + 1 : 0;
    if (outcome == Outcome::silent) refusing_since.reset();
    if (outcome != Outcome::silent && !refusing_since) refusing_since = Clock::now();
    wait_for_slot();
    const bool refused = outcome == Outcome::reset;
    if (std::exchange(reported_refusal, refused) != refused && refused) return report(on_refused);
    if (outcome == Outcome::rejected || silences == k_silence_limit)
      report([handler = on_blocked, rejected = outcome == Outcome::rejected] { handler(rejected); });
  }

  // By value: the handler may call stop(), which destroys the member.
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  static void report(std::function<void()> handler) { handler(); }

  void close() {
    error_code ignored;
    socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);  // NOLINT(bugprone-unused-return-value)
    socket.close(ignored);                                                  // NOLINT(bugprone-unused-return-value)
  }
};

BastionWatch::BastionWatch(boost::asio::io_context& context, std::function<void()> on_back,
                           std::function<void()> on_refused, std::function<void(bool)> on_blocked)
    : impl_(std::make_shared<Impl>(context, std::move(on_back), std::move(on_refused), std::move(on_blocked))) {}
BastionWatch::~BastionWatch() = default;

void BastionWatch::start(const TcpEnd& bastion, double slot, const WatchPath& known) {
  error_code error;
  const auto address = boost::asio::ip::make_address(bastion.host, error);
  if (error) return stop();
  const tcp::endpoint wanted(address, bastion.port);
  if (!impl_->on || impl_->saw_open || impl_->bastion != wanted) {
    stop();
    impl_->on = true;
    impl_->bastion = wanted;
    impl_->slot = slot;
    if (known.refused) impl_->refusing_since = Clock::now();
    impl_->wait_for_slot();
  }
  impl_->saw_failure |= known.seen_down;
  if (known.first_probe == Milliseconds{0}) return;
  impl_->limited = true;
  impl_->wait(known.first_probe);
}

// Pending operations hold the former Impl weakly, so they do nothing.
void BastionWatch::stop() {
  impl_ = std::make_shared<Impl>(impl_->context, std::move(impl_->on_back), std::move(impl_->on_refused),
                                 std::move(impl_->on_blocked));
}

}  // namespace holdfast::supervisor
