#include "supervisor/supervisor_lock.hpp"

#include "store/hand_over.hpp"
#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <future>
#include <thread>

namespace holdfast::supervisor {
namespace {

/// A home with a runtime directory. note() writes the note of a hand-over by this process.
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
  Result<SupervisorLock> acquire() { return acquire_supervisor_lock(name, paths, files, manager, *host); }
  std::future<Result<SupervisorLock>> acquire_meanwhile() {
    return std::async(std::launch::async, [this] { return acquire(); });
  }
  /// Returns when the successor waits.
  void await_successor() {
    while (!host->is_locked(files.next)) std::this_thread::yield();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(supervisor_lock, Fixture)

BOOST_AUTO_TEST_CASE(a_second_supervisor_is_refused) {
  const auto first = acquire();
  BOOST_REQUIRE(first);
  const auto second = acquire();
  BOOST_REQUIRE(!second);
  BOOST_TEST(second.error().cause == "another supervisor runs it on this host");
  BOOST_TEST(!fs::exists(files.next));
}

BOOST_AUTO_TEST_CASE(a_successor_waits_until_the_predecessor_ends) {
  auto first = std::optional(os::FileLock::try_take(files.lock).value());
  note(files.directory);
  auto second = acquire_meanwhile();
  await_successor();
  BOOST_TEST((second.wait_for(std::chrono::seconds(0)) == std::future_status::timeout));
  first.reset();
  const auto lock = second.get();
  BOOST_REQUIRE(lock);
  BOOST_TEST(!lock->left);
  BOOST_TEST(!fs::exists(files.next));
}

BOOST_AUTO_TEST_CASE(only_one_successor_waits) {
  const auto first = os::FileLock::try_take(files.lock).value();
  const auto waiting = os::FileLock::try_take(files.next).value();
  note(files.directory);
  BOOST_TEST(!acquire());
}

BOOST_AUTO_TEST_CASE(an_aborted_hand_over_is_not_waited_for) {
  const auto first = os::FileLock::try_take(files.lock).value();
  note(files.directory, 1);
  BOOST_TEST(!acquire());
}

BOOST_AUTO_TEST_CASE(names_the_directory_of_the_predecessors_ssh) {
  const auto elsewhere = home.path() / "elsewhere";
  fs::create_directory(elsewhere);
  const auto previous = store::runtime_files(name, elsewhere);
  auto first = std::optional(os::FileLock::try_take(previous.lock).value());
  note(elsewhere);
  auto second = acquire_meanwhile();
  await_successor();
  BOOST_TEST((second.wait_for(std::chrono::seconds(0)) == std::future_status::timeout));
  first.reset();
  const auto lock = second.get();
  BOOST_REQUIRE(lock);
  BOOST_REQUIRE(lock->left);
  BOOST_TEST(lock->left->control == previous.control);
}

BOOST_AUTO_TEST_CASE(an_aborted_move_to_another_directory_keeps_the_lock) {
  const auto elsewhere = home.path() / "elsewhere";
  fs::create_directory(elsewhere);
  const auto first = os::FileLock::try_take(store::runtime_files(name, elsewhere).lock).value();
  note(elsewhere, 1);
  BOOST_TEST(!acquire());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
