#include "store/hand_over.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <string>

namespace holdfast::store {

BOOST_AUTO_TEST_SUITE(hand_over)

const HandOver k_noted{{4711, 1234567, "0e2c8c5e", "ws"}, "cron", "systemd-user", "/tmp/holdfast 1000", false};

BOOST_AUTO_TEST_CASE(a_note_reads_back_equal) {
  BOOST_TEST((parse_hand_over(format_hand_over(k_noted)) == k_noted));
  auto other = k_noted;
  other.was_lingering = true;
  BOOST_TEST((parse_hand_over(format_hand_over(other)) == other));
}

BOOST_AUTO_TEST_CASE(an_invalid_note_is_ignored) {
  const auto whole = format_hand_over(k_noted);
  for (std::size_t size = 0; size < whole.size(); ++size) BOOST_TEST(!parse_hand_over(whole.substr(0, size)), size);
  const std::string process = "4711 1234567 0e2c8c5e ws\n";
  for (const std::string rest :
       {"cron systemd-user maybe\n/tmp\n", "cron lingering\n/tmp\n", "cron a/b lingering\n/tmp\n",
        "cron tmux lingering\ntmp\n", "cron tmux lingering\n/tmp\n\n", "cron tmux lingering\n/t\x1bmp\n"})
    BOOST_TEST(!parse_hand_over(process + rest), rest);
}

BOOST_AUTO_TEST_CASE(a_move_is_under_way_while_its_command_runs) {
  const test::ScratchDirectory home;
  const test::HostAtHome host(home.path());
  const auto where = paths(Scope::user, *host).value();
  const auto name = TunnelName::parse("lab").value();
  BOOST_TEST(!read_hand_over(*host, where, name));

  auto noted = k_noted;
  noted.by = host->process(::getpid()).value();
  BOOST_REQUIRE(host->make_directories(where.state, 0700));
  BOOST_REQUIRE(keep_hand_over(*host, where, name, noted));
  const auto read = read_hand_over(*host, where, name);
  BOOST_TEST((read == noted));
  BOOST_TEST(is_under_way(read, *host));

  noted.by.start_time += 1;  // another process got the pid
  BOOST_TEST(!is_under_way(noted, *host));
  BOOST_TEST(!is_under_way({}, *host));
}

BOOST_AUTO_TEST_CASE(a_note_writable_by_others_is_ignored) {
  const test::ScratchDirectory home;
  const test::HostAtHome host(home.path());
  const auto where = paths(Scope::user, *host).value();
  const auto name = TunnelName::parse("lab").value();
  BOOST_REQUIRE(host->make_directories(where.state, 0700));
  test::write(hand_over_file(where, name), format_hand_over(k_noted), fs::perms(0666));
  BOOST_TEST(!read_hand_over(*host, where, name));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
