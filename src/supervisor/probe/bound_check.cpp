#include "supervisor/probe/bound_check.hpp"

#include "supervisor/probe/bound_result.hpp"
#include "supervisor/probe/direct_dial.hpp"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_most_at_once = 16;

struct Wanted {
  std::string listen;
  std::string target;
  TcpEnd asked;
  End aim;
  TcpEnd dialled;
};

}  // namespace

struct BoundCheck::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  Handlers handlers;
  Bounds bounds = {};
  std::string bastion = {};
  std::deque<Wanted> waiting = {};
  /// By target. Each has one connection at a time, which ssh's connection to it belongs to.
  std::map<std::string, std::unique_ptr<DirectDialler>> running = {};
  std::set<std::string> reached = {};  ///< Targets that a dial reached.
  TargetConnections connections = {};
  std::vector<std::function<void()>> idle = {};

  Impl(boost::asio::io_context& owner, Handlers given) : context(owner), handlers(std::move(given)) {}

  [[nodiscard]] bool is_running() const { return !waiting.empty() || !running.empty(); }

  void add(const Forward& forward) {
    const auto dialled = direct_end(bastion, forward.listen());
    std::string listen = end_text(forward.listen());
    const bool is_known =
        bounds.contains(listen) || std::ranges::find(waiting, listen, &Wanted::listen) != waiting.end();
    if (!dialled || is_known) return;
    waiting.push_back({std::move(listen), end_text(forward.target()), std::get<TcpEnd>(forward.listen()),
                       forward.target(), *dialled});
  }

  void start_more() {
    while (running.size() < k_most_at_once) {
      const auto next =
          std::ranges::find_if(waiting, [this](const Wanted& one) { return !running.contains(one.target); });
      if (next == waiting.end()) return;
      Wanted one = std::move(*next);
      waiting.erase(next);
      // One connection more is within what sshd allows. What is left out is dialled after a later probe.
      if (reached.contains(one.target) && !handlers.may_reach(one.target)) continue;
      start(std::move(one));
    }
  }

  void start(Wanted one) {
    bounds[one.listen] = store::Bound::unknown;
    auto& dialler = running[one.target] = std::make_unique<DirectDialler>(context);
    const TcpEnd dialled = one.dialled;
    auto find = [this, aim = one.aim, before = TargetConnections::mark(handlers.ssh(), one.aim)] {
      return connections.find(handlers.ssh(), aim, before);
    };
    dialler->start(dialled, std::move(find), [self = weak_from_this(), one = std::move(one)](DirectDial dial) {
      if (const auto alive = self.lock()) alive->end(one, dial);
    });
  }

  void end(const Wanted& one, DirectDial dial) {
    bounds[one.listen] = bound_of(dial, one.dialled, one.asked);
    if (dial.kind == DirectDial::Kind::answered && reached.insert(one.target).second)
      (void)handlers.may_reach(one.target);
    running.erase(one.target);
    // As long as a dial takes, no probe can run: a firewall that drops one drops the rest.
    const bool was_slow = dial.kind == DirectDial::Kind::silent || dial.found == TargetConnections::Found::none;
    if (was_slow && dial.kind != DirectDial::Kind::refused) give_up();
    start_more();
    handlers.on_change();
    call_idle();
  }

  void give_up() {
    for (const Wanted& one : waiting) bounds[one.listen] = store::Bound::unknown;
    waiting.clear();
  }

  void call_idle() {
    if (is_running()) return;
    for (const auto& next : std::exchange(idle, {})) next();
  }
};

BoundCheck::BoundCheck(boost::asio::io_context& context, Handlers handlers)
    : impl_(std::make_shared<Impl>(context, std::move(handlers))) {}
BoundCheck::~BoundCheck() = default;

void BoundCheck::start_over() {
  auto& context = impl_->context;
  auto handlers = impl_->handlers;
  impl_ = std::make_shared<Impl>(context, std::move(handlers));
}

void BoundCheck::remember(const std::string& listen, store::Bound bound) {
  if (bound != store::Bound::unknown) impl_->bounds[listen] = bound;
}

void BoundCheck::learn(const Tunnel& tunnel, const std::vector<std::size_t>& forwards,
                       const std::optional<std::string>& bastion) {
  if (!bastion) return;
  impl_->bastion = *bastion;
  for (const std::size_t at : forwards)
    if (at < tunnel->forwards.size()) impl_->add(tunnel->forwards[at]);
  impl_->start_more();
}

bool BoundCheck::is_running() const { return impl_->is_running(); }

void BoundCheck::when_idle(std::function<void()> next) {
  if (!impl_->is_running()) return next();
  impl_->idle.push_back(std::move(next));
}

const BoundCheck::Bounds& BoundCheck::bounds() const { return impl_->bounds; }

ProbeAnswered BoundCheck::limit(const Tunnel& tunnel, ProbeAnswered answer) const {
  using Kind = ProbeAnswered::Kind;
  const bool is_sound = answer.kind == Kind::verified || (answer.kind == Kind::unproven && !answer.why);
  if (!is_sound) return answer;
  for (const Forward& forward : tunnel->forwards) {
    const auto found = impl_->bounds.find(end_text(forward.listen()));
    if (found == impl_->bounds.end() || found->second != store::Bound::loopback) continue;
    if (!asks_for_all(forward.listen())) continue;
    answer.kind = Kind::unproven;
    answer.why = only_loopback(forward, impl_->bastion).why;
    break;
  }
  return answer;
}

}  // namespace holdfast::supervisor
