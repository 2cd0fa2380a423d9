#include "supervisor/watch/bastion.hpp"

#include "supervisor/machine/connection_limit.hpp"
#include "supervisor/watch/syn_probe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace holdfast::supervisor {
namespace {

using Outcome = SynProbe::Outcome;

constexpr int k_silence_limit = 2;  // a single one may be a lost packet

}  // namespace

struct BastionWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  SynProbe syn_probe;
  boost::asio::steady_timer timer;
  std::function<void()> on_back;
  std::function<void()> on_refused;
  std::function<void(bool)> on_blocked;
  TcpEnd bastion;
  double slot = 0;
  Milliseconds spread{0};
  bool saw_failure = false;                 ///< The first half of the edge.
  std::optional<TimePoint> refusing_since;  ///< Empty when the last probe got no answer.
  bool reported_refusal = false;
  int silences = 0;      ///< In a row.
  bool limited = false;  ///< Probe rarely: a firewall counts connections.
  bool on = false;
  bool saw_open = false;  ///< Then there is nothing left to watch.

  Impl(boost::asio::io_context& owner, std::function<void()> back, std::function<void()> refused,
       std::function<void(bool)> blocked)
      : context(owner),
        syn_probe(owner),
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
    timer.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->on_timer();
    });
  }

  void on_timer() {
    if (saw_open) return report(on_back);
    syn_probe.start(bastion, [self = weak_from_this()](Outcome outcome) {
      if (const auto alive = self.lock()) alive->on_probed(outcome);
    });
  }

  void on_probed(Outcome outcome) {
    if (outcome != Outcome::open) return on_failed(outcome);
    saw_open = true;
    if (!saw_failure) return;  // no edge: it was open all the time
    if (!refusing_since && !limited) return report(on_back);
    wait(spread_delay(slot, spread));
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
};

BastionWatch::BastionWatch(boost::asio::io_context& context, std::function<void()> on_back,
                           std::function<void()> on_refused, std::function<void(bool)> on_blocked)
    : impl_(std::make_shared<Impl>(context, std::move(on_back), std::move(on_refused), std::move(on_blocked))) {}
BastionWatch::~BastionWatch() = default;

void BastionWatch::start(const TcpEnd& bastion, double slot, const WatchPath& known) {
  if (!impl_->on || impl_->saw_open || impl_->bastion != bastion) {
    stop();
    impl_->on = true;
    impl_->bastion = bastion;
    impl_->slot = slot;
    if (known.refused) impl_->refusing_since = Clock::now();
    impl_->wait_for_slot();
  }
  impl_->spread = known.spread;
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
