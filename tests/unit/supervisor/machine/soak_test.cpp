// A year of random faults in virtual time, and the files that it writes. HOLDFAST_SOAK_DAYS sets its length,
// HOLDFAST_SOAK_SEED its random seed.
#include "backends/recorded_host.hpp"
#include "scratch_directory.hpp"
#include "ssh/tunnels.hpp"
#include "supervisor/report/reporter.hpp"
#include "world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace holdfast::supervisor {
namespace {

constexpr Milliseconds k_login(300);
constexpr Milliseconds k_reply(20);
constexpr std::size_t k_log_bound = 2 * 1024 * 1024;     // two files of 1 MiB
constexpr std::size_t k_history_bound = 2 * 128 * 1024;  // two files of 128 KiB
constexpr std::size_t k_uptime_bound = 2 * 128 * 1024;   // the same
constexpr std::size_t k_live_bound = 4096;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* wanted = std::getenv(name);
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : otherwise;
}

/// Virtual clocks, and the size of the largest live state.
class SoakHost final : public test::RecordedHost {
 public:
  explicit SoakHost(const TimePoint& now) : now_(now) {}
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime(std::chrono::duration_cast<Milliseconds>(now_.time_since_epoch()));
  }
  Result<> write_volatile_file(const fs::path&, std::string_view bytes, mode_t) override {
    largest = std::max(largest, bytes.size());
    return {};
  }
  std::size_t largest = 0;

 private:
  const TimePoint& now_;
};

/// The present fault.
enum class Trouble { none, refusing, silent, no_name, key_refused, host_key_changed, port_busy, target_down };
constexpr std::size_t k_troubles = 8;

class Year {
 public:
  Year(std::uint64_t seed, const fs::path& directory)
      : random_(seed),
        world_(rules()),
        host_(world_.now),
        manager_(host_),
        reporter_(host_, paths_in(directory), *TunnelName::parse("2222"), directory / "2222.live", manager_) {
    reporter_.set_tunnel(test_tunnel());
    give(Started{});
  }

  void last(std::chrono::hours span) {
    const TimePoint end = world_.now + span;
    while (world_.now < end && world_.violation.empty()) step();
    trouble_ = Trouble::none;
    changes_ = TimePoint::max();
    const TimePoint repaired = world_.now;  // no fault any more
    while (world_.machine.phase() != Phase::up && world_.now - repaired < k_longest_slow + k_attempt_limit) step();
  }

  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] const SoakHost& host() const { return host_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  static store::Paths paths_in(const fs::path& directory) {
    store::Paths paths;
    paths.state = directory;
    return paths;
  }
  static Rules rules() {
    Rules rules = plain_rules(2);
    rules.probe_interval = std::chrono::minutes(10);
    return rules;
  }
  static Tunnel test_tunnel() { return tunnel_to("gate@bastion", {"2222", "2223"}); }

  double chance() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  void give(const Event& event) {
    world_.give(event, chance());
    reporter_.publish(world_.machine.view());
  }

  void step() {
    if (world_.now >= changes_) return change();
    if (world_.end_requested) return after(k_reply, [this] { give(ChildExited{}); });
    if (world_.request != 0) return answer();
    if (world_.child && world_.machine.phase() == Phase::starting) return attempt();
    wait();
  }

  template <class Then>
  void after(Milliseconds span, Then then) {
    world_.pass(span);
    then();
  }

  void fail(FailureClass failure) {
    reporter_.log("ssh: message for " + std::string(to_text(failure)));
    give(ChildExited{Diagnosis{failure, std::string(to_text(failure)), "a hint"}});
  }

  void attempt() {
    switch (trouble_) {
      case Trouble::refusing:
        return after(k_reply, [this] { fail(FailureClass::refused); });
      case Trouble::silent:
        return after(std::chrono::seconds(10), [this] { fail(FailureClass::timeout); });
      case Trouble::no_name:
        return after(k_reply, [this] { fail(FailureClass::dns); });
      case Trouble::key_refused:
        return after(k_login, [this] { fail(FailureClass::auth); });
      case Trouble::host_key_changed:
        return after(k_login, [this] { fail(FailureClass::host_key_changed); });
      default:
        return after(k_login, [this] { give(ControlReady{}); });
    }
  }

  void answer() {
    if (trouble_ == Trouble::silent) {
      world_.pass(std::chrono::seconds(3));
      if (world_.pending != World::Pending::forward) return answer_probe(ProbeAnswered::Kind::silent);
      return give(ForwardAnswered{world_.request, ForwardAnswered::Kind::no_reply});
    }
    world_.pass(k_reply);
    const bool is_busy = trouble_ == Trouble::port_busy;
    if (world_.pending == World::Pending::holder)
      return give(PortHolderAnswered{
          world_.request, is_busy ? PortHolderAnswered::Kind::held : PortHolderAnswered::Kind::free, {}});
    if (world_.pending == World::Pending::forward)
      return give(
          ForwardAnswered{world_.request, is_busy ? ForwardAnswered::Kind::refused : ForwardAnswered::Kind::granted});
    answer_probe(trouble_ == Trouble::target_down ? ProbeAnswered::Kind::target_down : ProbeAnswered::Kind::verified);
  }

  void answer_probe(ProbeAnswered::Kind kind) {
    world_.answer_probe(kind);
    reporter_.publish(world_.machine.view());
  }

  // Up to the first timer, or to the next change of the fault.
  void wait() {
    std::optional<Timer> first;
    for (std::size_t at = 0; at < k_timers; ++at)
      if (world_.due[at] && (!first || *world_.due[at] < *world_.due[static_cast<std::size_t>(*first)]))
        first = static_cast<Timer>(at);
    BOOST_REQUIRE_MESSAGE(first, "no timer is set");
    const TimePoint due = *world_.due[static_cast<std::size_t>(*first)];
    if (due > changes_) {
      world_.now = changes_;
      return change();
    }
    world_.fire(*first, chance());
    reporter_.publish(world_.machine.view());
  }

  // A fault every two hours or so, for seconds or hours. Some ends are reported by an event.
  void change() {
    const bool was_well = trouble_ == Trouble::none;
    trouble_ = was_well ? static_cast<Trouble>(1 + below(k_troubles - 1)) : Trouble::none;
    const double hours = was_well ? 0.5 * chance() * chance() * chance() * chance() : 4 * chance();
    changes_ = world_.now + Milliseconds(1 + static_cast<Milliseconds::rep>(hours * 3'600'000));
    faults_ += was_well ? 1 : 0;
    if (!was_well) {
      const auto event = below(6);
      if (event == 0) give(NetworkChanged{});
      if (event == 1) give(Resumed{});
      if (event == 2) give(PathRestored{});
      if (event == 3) give(ProbeRequested{});
      return;
    }
    const bool breaks = trouble_ != Trouble::target_down && trouble_ != Trouble::silent;
    if (breaks && world_.child && !world_.end_requested) {
      if (below(3) == 0) return give(ChildExited{});  // killed
      fail(FailureClass::closed);
    }
  }

  std::mt19937_64 random_;
  World world_;
  SoakHost host_;
  ServiceManager manager_;
  Reporter reporter_;
  Trouble trouble_ = Trouble::none;
  TimePoint changes_{std::chrono::hours(1)};
  std::uint64_t faults_ = 0;
};

std::size_t size_of(const fs::path& file) {
  std::size_t whole = 0;
  for (const auto& one : store::files_of(file))
    if (fs::exists(one)) whole += fs::file_size(one);
  return whole;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(soak)

BOOST_AUTO_TEST_CASE(a_year_of_faults_ends_up_with_bounded_files) {
  const ScratchDirectory scratch_directory;
  const std::uint64_t seed = setting("HOLDFAST_SOAK_SEED", 1);
  const std::uint64_t days = setting("HOLDFAST_SOAK_DAYS", 365);
  Year year(seed, scratch_directory.path());
  year.last(std::chrono::hours(24 * days));
  BOOST_TEST_MESSAGE(days << " days, " << year.faults() << " faults, " << year.world().starts.size() << " logins; log "
                          << size_of(scratch_directory / "2222.log") << " bytes, history "
                          << size_of(scratch_directory / "2222.history") << ", live state at most "
                          << year.host().largest);
  BOOST_TEST(year.world().violation == "", "seed " << seed << ": " << year.world().violation);
  BOOST_TEST((year.world().machine.view().state == store::TunnelState::up));
  BOOST_TEST(size_of(scratch_directory / "2222.log") <= k_log_bound);
  BOOST_TEST(size_of(scratch_directory / "2222.history") <= k_history_bound);
  BOOST_TEST(size_of(scratch_directory / "2222.uptime") <= k_uptime_bound);
  const auto rows = store::UptimeLog::read(scratch_directory / "2222.uptime");
  BOOST_REQUIRE(!rows.empty());
  const auto kept = rows.back().from - rows.front().from;
  if (days >= 30) BOOST_TEST((kept > std::chrono::hours(24 * 8)), "the uptime chart needs a week");
  BOOST_TEST(year.host().largest <= k_live_bound);
  const auto entries = std::distance(fs::directory_iterator(scratch_directory.path()), fs::directory_iterator());
  BOOST_TEST(entries <= 6);  // three files and their rotated predecessors
  if (days >= 30) BOOST_TEST(entries == 6, "after a month every file was rotated");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
