#include "supervisor/supervisor_lock.hpp"

#include "store/hand_over.hpp"
#include "store/scratch.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <future>
#include <thread>

namespace holdfast::supervisor {
namespace {

/// A home with a runtime directory, and the note of a hand-over that this very process carries out.
struct Fixture {
  test::ScratchDirectory home;
  test::HostAtHome host{home.path()};
  store::Paths paths = store::paths(Scope::user, *host).value();
  TunnelName name = TunnelName::parse("lab").value();
  store::RuntimeFiles files = store::runtime_files(name, home.path());
  ServiceManager manager{*host};

  void note(const fs::path& runtime_dir, std::uint64_t other_process = 0) {
    auto self = host->process(::getpid()).value();
    self.start_time += other_process;
    BOOST_REQUIRE(host->make_directories(paths.state, 0700));
    BOOST_REQUIRE(store::keep_hand_over(*host, paths, name, {self, "cron", "tmux", runtime_dir, true}));
  }
  Result<SupervisorLock> take() { return acquire_supervisor_lock(name, paths, files, manager, *host); }
  std::future<Result<SupervisorLock>> take_meanwhile() {
    return std::async(std::launch::async, [this] { return take(); });
  }
  /// The waiting one has shown itself.
  void until_waiting() {
    while (!host->is_locked(files.next)) std::this_thread::yield();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(turn, Fixture)

BOOST_AUTO_TEST_CASE(a_tunnel_is_run_once) {
  const auto first = take();
  BOOST_REQUIRE(first);
  const auto second = take();
  BOOST_REQUIRE(!second);
  BOOST_TEST(second.error().cause == "another supervisor of it is running on this host");
  BOOST_TEST(!fs::exists(files.next));
}

BOOST_AUTO_TEST_CASE(while_a_tunnel_is_handed_over_the_next_waits_until_the_first_has_ended) {
  auto first = std::optional(os::FileLock::try_take(files.lock).value());
  note(files.directory);
  auto second = take_meanwhile();
  until_waiting();
  BOOST_TEST((second.wait_for(std::chrono::seconds(0)) == std::future_status::timeout));
  first.reset();
  const auto turn = second.get();
  BOOST_REQUIRE(turn);
  BOOST_TEST(!turn->left);
  BOOST_TEST(!fs::exists(files.next));
}

BOOST_AUTO_TEST_CASE(only_one_waits) {
  const auto first = os::FileLock::try_take(files.lock).value();
  const auto waiting = os::FileLock::try_take(files.next).value();
  note(files.directory);
  BOOST_TEST(!take());
}

BOOST_AUTO_TEST_CASE(a_hand_over_that_was_cut_short_is_waited_for_by_nobody) {
  const auto first = os::FileLock::try_take(files.lock).value();
  note(files.directory, 1);
  BOOST_TEST(!take());
}

BOOST_AUTO_TEST_CASE(from_another_directory_the_ssh_that_is_left_there_is_told) {
  const auto elsewhere = home.path() / "elsewhere";
  fs::create_directory(elsewhere);
  const auto previous = store::runtime_files(name, elsewhere);
  auto first = std::optional(os::FileLock::try_take(previous.lock).value());
  note(elsewhere);
  auto second = take_meanwhile();
  until_waiting();
  BOOST_TEST((second.wait_for(std::chrono::seconds(0)) == std::future_status::timeout));
  first.reset();
  const auto turn = second.get();
  BOOST_REQUIRE(turn);
  BOOST_REQUIRE(turn->left);
  BOOST_TEST(turn->left->control == previous.control);
}

BOOST_AUTO_TEST_CASE(two_never_run_a_tunnel_whose_hand_over_to_another_directory_was_cut_short) {
  const auto elsewhere = home.path() / "elsewhere";
  fs::create_directory(elsewhere);
  const auto first = os::FileLock::try_take(store::runtime_files(name, elsewhere).lock).value();
  note(elsewhere, 1);
  BOOST_TEST(!take());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
