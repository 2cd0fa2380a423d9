#include "store/login_ledger.hpp"

#include "store/scratch_directory.hpp"
#include "store/shared_files.hpp"
#include "store/target_note.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace holdfast::store {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test::HostAtHome;
using test::ScratchDirectory;
using Event = LoginLedger::Event;

struct Machine {
  ScratchDirectory directory;
  HostAtHome home{directory.path()};
  LoginLedger ledger{*home, directory.path(), "gate@bastion"};

  void refuse(const std::string& identity, milliseconds at) {
    ledger.note(Event::begun, identity, at);
    ledger.note(Event::refused, identity, at);
  }
  [[nodiscard]] milliseconds wait(const std::string& identity, bool was_refused, milliseconds at) const {
    return ledger.until_login(identity, was_refused, at);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(login_ledger)

BOOST_AUTO_TEST_CASE(four_refused_logins_of_a_machine_delay_the_next) {
  Machine machine;
  for (const auto at : {1000s, 1001s, 1020s}) {
    machine.refuse("/key", at);
    BOOST_TEST((machine.wait("/key", true, at + 1s) == 0ms));
  }
  machine.refuse("/key", 1030s);
  BOOST_TEST((machine.wait("/key", true, 1040s) == 560s));
  BOOST_TEST((machine.wait("/other", true, 1040s) == 560s));  // the bastion counts addresses, not keys
  BOOST_TEST((machine.wait("/key", true, 1601s) == 0ms));
}

BOOST_AUTO_TEST_CASE(a_tunnel_with_another_key_is_not_kept_from_its_login) {
  Machine machine;
  for (int login = 0; login < 5; ++login) machine.refuse("/bad", 1000s);
  BOOST_TEST((machine.wait("/good", false, 1001s) == 0ms));
  BOOST_TEST((machine.wait("/bad", false, 1001s) > 0ms));  // of a tunnel that has not tried yet
}

BOOST_AUTO_TEST_CASE(a_login_that_works_forgets_the_refused_ones) {
  Machine machine;
  for (int login = 0; login < 5; ++login) machine.refuse("/key", 1000s);
  machine.ledger.note(Event::begun, "/key", 1100s);
  machine.ledger.note(Event::accepted, "/key", 1101s);
  BOOST_TEST((machine.wait("/key", true, 1102s) == 0ms));
  for (int login = 0; login < 5; ++login) machine.refuse("/key", 1200s);
  BOOST_TEST((machine.wait("/key", true, 1201s) > 0ms));
  machine.ledger.forget();
  BOOST_TEST((machine.wait("/key", true, 1201s) == 0ms));
}

// In the system scope each tunnel has a runtime directory of its own.
BOOST_AUTO_TEST_CASE(tunnels_of_the_system_scope_count_together) {
  ScratchDirectory root;
  HostAtHome home{root.path()};
  const auto ledger_of = [&](const std::string& tunnel) {
    boost::filesystem::create_directories(root.path() / tunnel);
    return LoginLedger(*home, root.path() / tunnel, "gate@bastion", root.path());
  };
  auto first = ledger_of("a");
  auto second = ledger_of("b");
  for (const auto at : {1000s, 1002s}) first.note(Event::refused, "/key", at);
  for (const auto at : {1001s, 1003s}) second.note(Event::refused, "/key", at);
  BOOST_TEST((first.until_login("/key", true, 1004s) == 596s));
  BOOST_TEST((ledger_of("c").until_login("/key", false, 1004s) == 596s));
  BOOST_TEST((LoginLedger(*home, root.path() / "a", "gate@bastion").until_login("/key", true, 1004s) == 0ms));
  second.forget();
  BOOST_TEST((first.until_login("/key", true, 1004s) == 0ms));
  first.note(Event::refused, "/key", 1005s);
  second.note(Event::accepted, "/key", 1006s);
  for (const auto at : {1007s, 1008s}) first.note(Event::refused, "/key", at);
  BOOST_TEST((first.until_login("/key", false, 1009s) == 0ms));
  for (const auto at : {1009s, 1010s}) second.note(Event::refused, "/key", at);
  BOOST_TEST((first.until_login("/key", true, 1011s) == 596s));  // the login that worked forgot the one before
}

BOOST_AUTO_TEST_CASE(an_hour_has_fifteen_refused_logins) {
  Machine machine;
  for (int login = 0; login < 15; ++login) machine.refuse("/key", 1000s + login * 200s);
  BOOST_TEST((machine.wait("/key", true, 4500s) == 100s));
}

BOOST_AUTO_TEST_CASE(logins_under_way_count_until_they_end) {
  const std::string key = "/key";
  std::string text;
  Machine machine;
  for (int login = 0; login < 3; ++login) machine.refuse(key, 1000s);
  machine.ledger.note(Event::begun, key, 1001s);
  BOOST_TEST((machine.wait(key, true, 1002s) == 0ms));  // its own
  const auto file = shared_file(machine.directory.path(), "logins", "gate@bastion");
  const std::string ledger = test::read(file);
  const std::string boot = (*machine.home).boot_id();
  BOOST_TEST((until_login(ledger, boot, 1, key, true, 1002s) > 0ms));
  BOOST_TEST((until_login(ledger, boot, 1, key, true, 1100s) == 0ms));  // its supervisor was killed
  BOOST_TEST((until_login(ledger, boot, 1, key, true, 1100s, 2) > 0ms));
  BOOST_TEST((until_login(ledger, "another boot", 1, key, true, 1002s) == 0ms));
  BOOST_TEST((until_login(ledger, boot, 1, key, true, 900s) == 0ms));  // lines of the future
  BOOST_TEST((until_login("x\n1 2 3\n\n" + boot + " x 1 refused y\n", boot, 1, key, true, 1002s) == 0ms));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(shared_files)

BOOST_AUTO_TEST_CASE(periodic_probes_of_a_target_are_ten_seconds_apart) {
  const ScratchDirectory directory;
  const HostAtHome home(directory.path());
  const auto take = [&](const std::string& target, milliseconds at, bool at_once) {
    return take_target_probe(*home, directory.path(), target, at, at_once);
  };
  BOOST_TEST(take("localhost:22", 100s, false));
  BOOST_TEST(!take("localhost:22", 105s, false));
  BOOST_TEST(take("localhost:8888", 105s, false));
  BOOST_TEST(take("localhost:22", 110s, false));
  BOOST_TEST(take("localhost:22", 50s, false));  // not of this boot
}

BOOST_AUTO_TEST_CASE(new_logins_verify_at_once_and_never_fifteen_in_a_row) {
  const ScratchDirectory directory;
  const HostAtHome home(directory.path());
  int taken = 0;
  for (int login = 0; login < 40; ++login)
    taken += take_target_probe(*home, directory.path(), "localhost:22", 100s, true) ? 1 : 0;
  BOOST_TEST(taken == 12);
  BOOST_TEST(!take_target_probe(*home, directory.path(), "localhost:22", 101s, false));
  BOOST_TEST(take_target_probe(*home, directory.path(), "localhost:22", 102s, true));
  BOOST_TEST(take_target_probe(*home, directory.path(), "localhost:80", 100s, false));
  BOOST_TEST(take_target_probe(*home, directory.path(), "localhost:80", 100s, true));  // a login after a periodic probe
}

BOOST_AUTO_TEST_CASE(what_a_tunnel_saw_of_a_target_is_known_to_the_others_for_a_while) {
  const ScratchDirectory directory;
  const HostAtHome home(directory.path());
  const auto read = [&](milliseconds at) { return read_target_note(*home, directory.path(), "localhost:22", at); };
  BOOST_TEST(!read(100s));
  keep_target_note(*home, directory.path(), "localhost:22",
                   {false, {FailureClass::target_down, "it is\ndown", "start it"}}, 100s);
  BOOST_TEST(!read(100s)->answers);
  BOOST_TEST(read(190s)->why.message == "it is\\ndown");
  BOOST_TEST(read(190s)->why.hint == "start it");
  BOOST_TEST(!read(191s + 1ms));
  BOOST_TEST(!read(99s));  // not of this boot
  BOOST_TEST(!read_target_note(*home, directory.path(), "localhost:80", 100s));
  keep_target_note(*home, directory.path(), "localhost:22", {true}, 110s);
  BOOST_TEST(read(110s)->answers);
  test::write(shared_file(directory.path(), "target", "localhost:22"), home->boot_id() + " 1 perhaps\n\n\n");
  BOOST_TEST(!read(1s));
}

BOOST_AUTO_TEST_CASE(shared_files_go_with_the_last_tunnel) {
  const ScratchDirectory directory;
  const HostAtHome home(directory.path());
  BOOST_TEST(take_target_probe(*home, directory.path(), "localhost:22", 100s, false));
  const auto other = directory / "2222.live";
  test::write(other, "x");
  BOOST_REQUIRE(remove_last_shared_files(*home, directory.path()));
  BOOST_TEST((*home).list(directory.path()).size() == 2U);
  fs::remove(other);
  test::write(directory / ".2222.setup.lock", "");  // of the command that removes the last tunnel
  BOOST_REQUIRE(remove_last_shared_files(*home, directory.path()));
  BOOST_TEST((home->list(directory.path()) == std::vector<std::string>{".2222.setup.lock"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
