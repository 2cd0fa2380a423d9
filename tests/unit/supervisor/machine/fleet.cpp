#include "fleet.hpp"

#include "supervisor/watch/bastion.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using std::chrono::seconds;

constexpr Milliseconds k_login(300);  // seen on the lab's bastion
constexpr Milliseconds k_reply(5);
constexpr std::array k_syns{seconds(0), seconds(1), seconds(3), seconds(7)};  // tcp_syn_retries' first steps
constexpr seconds k_connect_timeout(10);
constexpr seconds k_server_alive(15);
constexpr seconds k_boot(5);  // from the network to sshd; assumed, not measured

// MaxStartups 10:30:100
constexpr std::size_t k_startups_begin = 10;
constexpr std::size_t k_startups_full = 100;
constexpr double k_startups_rate = 0.30;

}  // namespace

Fleet::Fleet(std::size_t size, std::uint64_t seed, Milliseconds first_spread) : random_(seed), members_(size) {
  std::size_t port = 20'000;
  for (Member& member : members_) {
    Rules rules = plain_rules();
    member.slot = retry_slot_of(Forward::parse(std::to_string(port++)).value());
    rules.spread = [&member](std::size_t) { return RetrySpread{.slot = member.slot, .is_watched = true}; };
    rules.first_spread = first_spread;
    member.world = std::make_unique<World>(std::move(rules));
    // Each starts at its own time.
    at(now_ + Milliseconds(static_cast<Milliseconds::rep>(chance() * 60'000)), [&] { give(member, Started{}); });
  }
}

Milliseconds Fleet::wall_clock() const { return std::chrono::duration_cast<Milliseconds>(now_.time_since_epoch()); }

double Fleet::chance() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }

void Fleet::at(TimePoint when, std::function<void()> run) { queue_.push({when, ++order_, std::move(run)}); }

void Fleet::run_until(TimePoint end) {
  while (!queue_.empty() && queue_.top().at < end) {
    Due due = queue_.top();
    queue_.pop();
    now_ = due.at;
    due.run();
  }
  now_ = end;
}

Seen Fleet::lose(Outage outage, Milliseconds away) {
  run_until(now_ + std::chrono::minutes(5));
  outage_ = outage;
  seen_ = {};
  lost_ = now_;
  back_ = now_ + away;
  host_back_ = outage == Outage::refusing ? lost_ : outage == Outage::silent ? back_ - k_boot : back_;
  for (Member& member : members_) {
    member.back.reset();
    member.drops = 0;
    member.sshd_lost_it = outage != Outage::cut_off;
    notice_drop(member);
  }
  for (TimePoint end = back_ + seconds(10); end <= back_ + std::chrono::minutes(10); end += seconds(10)) {
    run_until(end);
    if (are_all_back()) break;
  }
  std::vector<std::chrono::duration<double>> backs;
  for (const Member& member : members_) {
    if (violation_.empty()) violation_ = member.world->violation;
    seen_.most_drops = std::max(seen_.most_drops, member.drops);
    backs.push_back(member.back ? *member.back - back_ : std::chrono::duration<double>::max());
  }
  std::sort(backs.begin(), backs.end());
  seen_.last_back = backs.back();
  seen_.median_back = backs[backs.size() / 2];
  return seen_;
}

bool Fleet::are_all_back() const {
  return std::ranges::all_of(members_, [](const Member& member) { return member.back.has_value(); });
}

// When ssh detects the outage: at once, or by its keepalive, which has its own phase in each session.
void Fleet::notice_drop(Member& member) {
  if (outage_ == Outage::refusing) return fail(member, FailureClass::closed, k_reply);
  const Milliseconds phase(static_cast<Milliseconds::rep>(chance() * 15'000));
  const TimePoint counted_out = now_ + phase + 3 * k_server_alive;
  const TimePoint reset =
      host_back_ > now_ + phase
          ? now_ + phase + ((host_back_ - now_ - phase) / k_server_alive + 1) * Milliseconds(k_server_alive)
          : now_ + phase;
  const bool resets = reset < counted_out;
  if (resets && outage_ == Outage::cut_off) return;  // the session still exists
  const auto when = std::chrono::duration_cast<Milliseconds>((resets ? reset : counted_out) - now_);
  fail(member, resets ? FailureClass::closed : FailureClass::dead_peer, when);
}

void Fleet::fail(Member& member, FailureClass failure, Milliseconds after) {
  at(now_ + after, [this, &member, failure, run = member.run] {
    if (member.run != run || !member.world->child) return;
    give(member, ChildExited{Diagnosis{failure, std::string(to_text(failure)), {}}});
  });
}

void Fleet::give(Member& member, const Event& event) {
  member.world->now = now_;
  member.world->give(event, chance());
  execute_actions(member);
}

// Executes what the machine asked for in the last event.
void Fleet::execute_actions(Member& member) {
  World& world = *member.world;
  if (world.starts.size() > member.starts) {
    member.starts = world.starts.size();
    start_ssh(member);
  } else if (world.end_requested) {
    at(now_ + k_reply, [this, &member, run = member.run] {
      if (member.run == run && member.world->end_requested) give(member, ChildExited{});
    });
  } else if (world.request != 0) {
    answer_request(member);
  }
  if (std::exchange(member.watching, world.path_watched) != world.path_watched) {
    ++member.watch;
    member.saw_failure = member.reported_refusal = false;
    member.refusing_since.reset();
    if (world.path_watched) {
      if (world.path.refused) member.refusing_since = now_;
      schedule_bastion_probe(member);
    }
  }
  if (world.machine.phase() == Phase::up && now_ >= back_ && !member.sshd_lost_it && !member.back) member.back = now_;
  if (member.watching && std::exchange(world.path.seen_down, false)) member.saw_failure = true;
  arm_timers(member);
}

void Fleet::arm_timers(Member& member) {
  for (std::size_t which = 0; which < k_timers; ++which) {
    const auto due = member.world->due[which];
    if (std::exchange(member.armed[which], due) == due || !due) continue;
    at(*due, [this, &member, which, due] {
      if (member.world->due[which] != due) return;
      member.armed[which].reset();
      member.world->fire(static_cast<Timer>(which), chance());
      execute_actions(member);
    });
  }
}

void Fleet::start_ssh(Member& member) {
  ++member.run;
  member.sshd_lost_it = false;
  count(seen_.logins);
  connect(member, 0);
}

void Fleet::connect(Member& member, std::size_t try_number) {
  if (!is_away()) return arrive(member);
  if (refuses()) return fail(member, FailureClass::refused, k_reply);
  if (try_number + 1 == k_syns.size()) return fail(member, FailureClass::timeout, k_connect_timeout - k_syns.back());
  at(now_ + (k_syns.at(try_number + 1) - k_syns.at(try_number)), [this, &member, try_number, run = member.run] {
    if (member.run == run && member.world->child) connect(member, try_number + 1);
  });
}

void Fleet::arrive(Member& member) {
  if (drops()) {
    ++seen_.dropped;
    ++member.drops;
    return fail(member, FailureClass::closed, k_reply);  // kex_exchange_identification: Connection closed by …
  }
  ++unauthenticated_;
  at(now_ + k_login, [this, &member, run = member.run] {
    --unauthenticated_;
    if (member.run == run && member.world->child && !member.world->end_requested) give(member, ControlReady{});
  });
}

bool Fleet::drops() {
  if (unauthenticated_ < k_startups_begin) return false;
  if (unauthenticated_ >= k_startups_full) return true;
  const double beyond = static_cast<double>(unauthenticated_ - k_startups_begin) /
                        static_cast<double>(k_startups_full - k_startups_begin);
  return chance() < k_startups_rate + (1 - k_startups_rate) * beyond;
}

// The bastion answers while it is up and its end of the connection exists.
void Fleet::answer_request(Member& member) {
  const RequestId request = member.world->request;
  const bool answers = !is_away() && !member.sshd_lost_it;
  at(now_ + (answers ? k_reply : Milliseconds(3000)), [this, &member, request, answers] {
    World& world = *member.world;
    if (world.request != request || world.end_requested || !world.child) return;
    world.now = now_;
    if (!answers) {
      world.answer_probe(ProbeAnswered::Kind::silent);
    } else if (world.pending == World::Pending::forward) {
      world.grant();
    } else {
      world.answer_probe(ProbeAnswered::Kind::verified);
    }
    execute_actions(member);
  });
}

// One SYN probe, as BastionWatch sends it. sshd does not see it.
void Fleet::probe_bastion(Member& member) {
  count(seen_.syn_probes);
  if (is_away()) {
    member.saw_failure = true;
    if (!refuses()) member.refusing_since.reset();
    if (refuses() && !member.refusing_since) member.refusing_since = now_;
    schedule_bastion_probe(member);
    if (!refuses()) member.reported_refusal = false;
    if (refuses() && !std::exchange(member.reported_refusal, true)) give(member, PathRefused{});
    return;
  }
  const std::uint64_t watch = ++member.watch;
  if (!member.saw_failure) return;  // no edge
  const Milliseconds wait =
      member.refusing_since ? spread_delay(member.slot, member.world->path.spread) : Milliseconds{0};
  at(now_ + wait, [this, &member, watch] {
    if (member.watch != watch || !member.watching) return;
    member.watching = member.world->path_watched = false;
    give(member, PathRestored{});
  });
}

void Fleet::schedule_bastion_probe(Member& member) {
  std::optional<Milliseconds> refused;
  if (member.refusing_since) refused = std::chrono::duration_cast<Milliseconds>(now_ - *member.refusing_since);
  at(now_ + until_bastion_probe(member.slot, wall_clock(), refused), [this, &member, watch = member.watch] {
    if (member.watch == watch) probe_bastion(member);
  });
}

void Fleet::count(std::vector<std::size_t>& seconds_seen) const {
  if (now_ < lost_) return;
  const auto second = static_cast<std::size_t>(std::chrono::duration_cast<seconds>(now_ - lost_).count());
  if (seconds_seen.size() <= second) seconds_seen.resize(second + 1);
  ++seconds_seen[second];
}

}  // namespace holdfast::supervisor
