#include "supervisor/watch/flow.hpp"

#include "supervisor/machine/flow_policy.hpp"
#include "supervisor/watch/syn_probe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace holdfast::supervisor {

using Verdict = FlowPolicy::Verdict;
using Outcome = SynProbe::Outcome;

struct FlowWatch::Impl : std::enable_shared_from_this<Impl> {
  os::TcpPair connection;
  FlowPolicy policy;
  SynProbe syn_probe;
  boost::asio::steady_timer timer;
  bool probing = false;
  std::function<void(bool)> on_change;
  std::function<void()> on_dead;

  Impl(boost::asio::io_context& context, os::TcpPair pair, std::function<void(bool)> change, std::function<void()> dead)
      : connection(std::move(pair)),
        syn_probe(context),
        timer(context),
        on_change(std::move(change)),
        on_dead(std::move(dead)) {}

  void check() {
    const auto flow = os::flow_of(connection);
    if (!flow) return;
    const Verdict verdict = policy.on_flow(*flow, Clock::now());
    if (verdict == Verdict::dead) return on_dead();
    wait(FlowPolicy::until_check(verdict, *flow));
    const bool is_heard = verdict == Verdict::heard || verdict == Verdict::recovered;
    if (!is_heard && !probing && policy.is_probe_due(Clock::now())) probe();
    if (verdict != Verdict::heard && verdict != Verdict::silent) on_change(verdict == Verdict::returned);
  }

  void wait(Milliseconds span) {
    timer.expires_after(span);
    timer.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->check();
    });
  }

  void probe() {
    probing = true;
    syn_probe.start(connection.peer, [self = weak_from_this()](Outcome outcome) {
      if (const auto alive = self.lock()) alive->on_probed(outcome);
    });
  }

  void on_probed(Outcome outcome) {
    probing = false;
    if (outcome == Outcome::rejected) return policy.on_rejection(Clock::now());
    policy.on_syn_probe(outcome != Outcome::silent, Clock::now());
  }
};

FlowWatch::FlowWatch(boost::asio::io_context& context, std::function<void(bool)> on_change,
                     std::function<void()> on_dead)
    : on_change_(std::move(on_change)), on_dead_(std::move(on_dead)), context_(context) {}

FlowWatch::~FlowWatch() = default;

void FlowWatch::start(const os::TcpPair& connection) {
  if (impl_ && impl_->connection == connection) return;
  impl_ = std::make_shared<Impl>(context_, connection, on_change_, on_dead_);
  impl_->check();
}

// Pending operations hold the former Impl weakly, so they do nothing.
void FlowWatch::stop() { impl_.reset(); }

}  // namespace holdfast::supervisor
