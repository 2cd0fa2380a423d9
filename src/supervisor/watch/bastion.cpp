#include "supervisor/watch/bastion.hpp"

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

// Of one look. Shorter than TCP's first retransmission (RFC 6298: 1 s): a second SYN would bring twice as many
// back in the moment of the return.
constexpr Milliseconds k_timeout(900);
constexpr int k_silences = 2;  // one alone may be a packet that was lost

enum class Refusal { reset, rejected, silent };

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
  bool failed = false;                      ///< the edge has its first half
  std::optional<TimePoint> refusing_since;  ///< unless the last look came to nothing
  bool told = false;                        ///< that it refuses
  int silences = 0;                         ///< in a row
  bool limited = false;                     ///< few looks: a firewall counts them
  bool connecting = false;
  bool on = false;
  bool over = false;  ///< it was seen open

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
    if (over) return tell(on_back);
    if (std::exchange(connecting, false)) {  // no answer
      close();
      return on_failed(Refusal::silent);
    }
    probe();
  }

  void probe() {
    error_code error;
    socket.open(bastion.protocol(), error);
    if (error) return wait_for_slot();
    // The handshake's last packet is kept for 40 ms and more, in the hope of data to go with it; then there is no more
    // a connection that it could belong to. Where the kernel does not do so, sshd sees one that says nothing.
    const int later = 0;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &later, sizeof later);
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
    if (error && error != boost::asio::error::connection_refused) return on_failed(Refusal::silent);
    if (error) return on_failed(reset ? Refusal::reset : Refusal::rejected);
    timer.cancel();
    over = true;
    if (!failed) return;  // it was there all along: nothing to wait for
    if (!refusing_since && !limited) return tell(on_back);
    wait(spread_delay(slot, k_spread));
  }

  void on_failed(Refusal refusal) {
    failed = true;
    silences = refusal == Refusal::silent ? silences + 1 : 0;
    if (refusal == Refusal::silent) refusing_since.reset();
    if (refusal != Refusal::silent && !refusing_since) refusing_since = Clock::now();
    wait_for_slot();
    const bool refused = refusal == Refusal::reset;
    if (std::exchange(told, refused) != refused && refused) return tell(on_refused);
    if (refusal == Refusal::rejected || silences == k_silences)
      tell([handler = on_blocked, rejected = refusal == Refusal::rejected] { handler(rejected); });
  }

  // It may stop us.
  static void tell(std::function<void()> handler) { handler(); }

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
  if (!impl_->on || impl_->over || impl_->bastion != wanted) {
    stop();
    impl_->on = true;
    impl_->bastion = wanted;
    impl_->slot = slot;
    if (known.refused) impl_->refusing_since = Clock::now();
    impl_->wait_for_slot();
  }
  impl_->failed |= known.gone;
  if (known.first_look == Milliseconds{0}) return;
  impl_->limited = true;
  impl_->wait(known.first_look);
}

// What is under way holds the former Impl weakly: it comes to nothing.
void BastionWatch::stop() {
  impl_ = std::make_shared<Impl>(impl_->context, std::move(impl_->on_back), std::move(impl_->on_refused),
                                 std::move(impl_->on_blocked));
}

}  // namespace holdfast::supervisor
