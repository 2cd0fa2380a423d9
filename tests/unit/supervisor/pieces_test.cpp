// The small pure pieces of the supervisor.
#include "core/loopback_endpoint.hpp"
#include "os/posix_host.hpp"
#include "scratch.hpp"
#include "supervisor/loop/log_tail.hpp"
#include "supervisor/machine/backoff.hpp"
#include "supervisor/machine/fleet_spread.hpp"
#include "supervisor/probe/end_to_end.hpp"
#include "supervisor/service_manager.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(pieces)

BOOST_AUTO_TEST_CASE(waits_stay_between_their_floor_and_their_ceiling_whatever_the_dice_say) {
  for (const double chance : {0.0, 0.3, 0.999999}) {
    Backoff backoff;
    TimePoint now{};
    for (int attempt = 0; attempt < 100; ++attempt) {
      const Milliseconds soon = backoff.after(FailureClass::timeout, DropScope::none, now, chance);
      BOOST_TEST((soon >= k_shortest_wait && soon <= k_longest_soon));
      const Milliseconds steady = backoff.after(FailureClass::refused, DropScope::none, now, chance);
      BOOST_TEST((steady >= k_shortest_wait && steady <= k_longest_steady));
      const Milliseconds slow = backoff.after(FailureClass::auth, DropScope::none, now, chance);
      BOOST_TEST((slow >= (attempt < 2 ? k_second_look * 3 / 4 : k_shortest_slow) && slow <= k_longest_slow));
    }
  }
}

BOOST_AUTO_TEST_CASE(ports_that_follow_one_another_have_turns_that_lie_evenly) {
  std::array<int, 8> slots_in_second{};
  for (int port = 10'000; port < 10'200; ++port) {
    const double place = retry_slot_of(Forward::parse(std::to_string(port)).value());
    ++slots_in_second.at(static_cast<std::size_t>(place * 8));
  }
  for (const int turns : slots_in_second) BOOST_TEST((turns >= 23 && turns <= 27));
}

BOOST_AUTO_TEST_CASE(a_turn_comes_once_in_each_period_and_never_right_after_the_last) {
  constexpr Milliseconds k_period(8000);
  for (const double place : {0.0, 0.25, 0.999}) {
    Milliseconds now(1'700'000'000'123);
    const Milliseconds first = until_retry_slot(place, now, k_period);
    BOOST_TEST((first >= k_period / 8 && first <= k_period + k_period / 8));
    now += first;
    BOOST_TEST((until_retry_slot(place, now, k_period) == k_period));
    BOOST_TEST((until_retry_slot(place, now + Milliseconds(5), k_period) == k_period - Milliseconds(5)));
    BOOST_TEST((until_retry_slot(place, now - Milliseconds(5), k_period) == k_period + Milliseconds(5)));
  }
}

BOOST_AUTO_TEST_CASE(a_bastion_that_refuses_is_asked_in_our_turn_at_first) {
  Backoff backoff;
  const RetrySpread turn{.until_retry_slot = [] { return Milliseconds(4321); }, .spread_delay = {}};
  TimePoint now{};
  for (int attempt = 0; attempt < 15; ++attempt, now += Milliseconds(4321))
    BOOST_TEST((backoff.after(FailureClass::refused, DropScope::none, now, 0.5, turn) == Milliseconds(4321)));
  BOOST_TEST((backoff.after(FailureClass::refused, DropScope::none, now, 0.5, turn) < Milliseconds(4321)));
}

BOOST_AUTO_TEST_CASE(where_the_bastions_port_is_looked_at_no_login_is_made_blindly) {
  Backoff backoff;
  const RetrySpread looks{.until_retry_slot = {}, .spread_delay = Milliseconds(4321)};
  for (int attempt = 0; attempt < 50; ++attempt)
    BOOST_TEST((backoff.after(FailureClass::refused, DropScope::none, TimePoint{}, 0.5, looks) >= k_looked_at / 2));
  BOOST_TEST((backoff.after(FailureClass::closed, DropScope::remote, TimePoint{}, 0.5, looks) == Milliseconds(4321)));
}

// MaxStartups: whoever lost its tunnel alone may ask soon again; a fleet that fell over itself may not.
BOOST_AUTO_TEST_CASE(a_bastion_that_lets_nobody_in_is_asked_soon_again_by_one_who_lost_it_alone_and_then_less_often) {
  Backoff alone;
  Backoff one_of_many;
  TimePoint now{};
  (void)alone.after(FailureClass::unknown, DropScope::local, now, 0.5);
  (void)one_of_many.after(FailureClass::closed, DropScope::remote, now, 0.5);
  const auto next = [&now](Backoff& backoff) { return backoff.after(FailureClass::closed, DropScope::none, now, 0.5); };
  BOOST_TEST((next(one_of_many) > k_soon_again));
  for (const TimePoint begin = now; now - begin < std::chrono::seconds(40);) {
    const Milliseconds wait = next(alone);
    BOOST_TEST((wait <= k_soon_again));
    now += wait;
  }
  Milliseconds longest{0};
  for (int attempt = 0; attempt < 12; ++attempt) longest = std::max(longest, next(alone));
  BOOST_TEST((longest > k_longest_steady / 2));
}

BOOST_AUTO_TEST_CASE(another_host_key_is_looked_at_soon_again_for_a_while_and_then_as_slowly_as_a_refused_login) {
  Backoff backoff;
  TimePoint now{};
  int looks = 0;
  for (; now < TimePoint{} + std::chrono::hours(1); ++looks) {
    const Milliseconds wait = backoff.after(FailureClass::host_key_changed, DropScope::none, now, 0.5);
    if (now < TimePoint{} + std::chrono::seconds(40)) BOOST_TEST((wait <= k_soon_again));
    now += wait;
  }
  BOOST_TEST(looks <= 50);
}

BOOST_AUTO_TEST_CASE(a_refused_key_after_a_good_run_is_not_tried_again_at_once) {
  Backoff backoff;
  BOOST_TEST((backoff.after(FailureClass::auth, DropScope::local, TimePoint{}, 0.0) >= k_second_look * 3 / 4));
}

BOOST_AUTO_TEST_CASE(a_resolver_that_was_restarted_is_asked_soon_and_one_that_is_gone_for_long_is_not_hammered) {
  Backoff backoff;
  TimePoint now{};
  int asked = 0;
  Milliseconds longest{0};
  for (; now < TimePoint{} + std::chrono::hours(1); ++asked) {
    const Milliseconds wait = backoff.after(FailureClass::dns, DropScope::none, now, 0.5);
    if (now < TimePoint{} + std::chrono::minutes(2)) longest = std::max(longest, wait);
    now += wait;
  }
  BOOST_TEST((longest <= k_soon_again));
  BOOST_TEST(asked < 300);
}

BOOST_AUTO_TEST_CASE(a_budget_is_whole_again_when_its_window_has_passed) {
  Budget budget(2, std::chrono::seconds(10));
  const TimePoint begin{};
  BOOST_TEST(budget.take(begin));
  BOOST_TEST(budget.take(begin + std::chrono::seconds(5)));
  BOOST_TEST(!budget.take(begin + std::chrono::seconds(9)));
  BOOST_TEST(budget.take(begin + std::chrono::seconds(10)));
  BOOST_TEST(!budget.take(begin + std::chrono::seconds(11)));
}

BOOST_AUTO_TEST_CASE(a_status_line_cannot_smuggle_in_another_assignment) {
  BOOST_TEST(status_assignment("up\nMAINPID=1") == "STATUS=up\\nMAINPID=1");
}

BOOST_AUTO_TEST_CASE(an_address_that_means_all_of_them_is_dialled_on_loopback) {
  const auto dialled = [](const char* forward) {
    return end_text(loopback_endpoint(Forward::parse(forward)->listen()));
  };
  BOOST_TEST(dialled("2222") == "127.0.0.1:2222");
  BOOST_TEST(dialled("0.0.0.0:2222:localhost:22") == "127.0.0.1:2222");
  BOOST_TEST(dialled("[::]:2222:localhost:22") == "[::1]:2222");
  BOOST_TEST(dialled("10.0.0.7:2222:localhost:22") == "10.0.0.7:2222");
}

BOOST_AUTO_TEST_CASE(a_forbidden_look_is_told_from_a_port_that_nobody_has) {
  BOOST_TEST(
      (why_refused("channel 2: open failed: administratively prohibited: open failed\n") == RefusedOpen::prohibited));
  BOOST_TEST(
      (why_refused("channel 2: open failed: connect failed: Connection refused\n") == RefusedOpen::nobody_listens));
  BOOST_TEST((why_refused("") == RefusedOpen::other));
}

// autossh tells only there which ssh is its own: a line that is missed is a tunnel that is never seen to be up.
BOOST_AUTO_TEST_CASE(no_line_of_a_log_is_missed_or_heard_twice_while_its_writer_writes) {
  const auto host = os::make_posix_host();
  const ScratchDirectory scratch_directory;
  LogTail tail(*host, scratch_directory / "log");
  constexpr int k_lines = 5'000;  // less than what counts as a flood
  std::thread writer([&] {
    std::ofstream log((scratch_directory / "log").native(), std::ios::app);
    for (int line = 0; line < k_lines; ++line) log << "line " << line << std::endl;
  });
  std::vector<std::string> heard;
  while (heard.size() < k_lines && (heard.empty() || heard.back() != "line " + std::to_string(k_lines - 1)))
    for (auto& line : tail.new_lines()) heard.push_back(std::move(line));
  writer.join();
  BOOST_REQUIRE(heard.size() == k_lines);
  for (std::size_t line = 0; line < k_lines; ++line) BOOST_REQUIRE(heard[line] == "line " + std::to_string(line));
}

BOOST_AUTO_TEST_CASE(half_a_line_is_waited_for_and_of_a_flood_the_end_is_heard) {
  const auto host = os::make_posix_host();
  const ScratchDirectory scratch_directory;
  LogTail tail(*host, scratch_directory / "log");
  BOOST_TEST(tail.new_lines().empty());
  const auto write = [&](const std::string& text) {
    std::ofstream((scratch_directory / "log").native(), std::ios::app) << text;
  };
  const auto heard = [&](LogTail::Unfinished last = LogTail::Unfinished::wait) { return tail.new_lines(last); };
  write("one\r\n\nssh child pid is 12");
  BOOST_TEST((heard() == std::vector<std::string>{"one"}));
  BOOST_TEST(heard().empty());
  write("34\nlast words");
  BOOST_TEST((heard() == std::vector<std::string>{"ssh child pid is 1234"}));
  BOOST_TEST((heard(LogTail::Unfinished::take) == std::vector<std::string>{"last words"}));
  BOOST_TEST(heard(LogTail::Unfinished::take).empty());
  for (int line = 0; line < 20'000; ++line) write("a flood\n");
  write("its end\n");
  const auto flood = heard();
  BOOST_REQUIRE(!flood.empty());
  BOOST_TEST(flood.front() == "a flood");
  BOOST_TEST(flood.back() == "its end");
  write(std::string(100'000, 'x'));  // somebody who ends no line
  BOOST_TEST(heard().size() == 1U);
  std::ofstream((scratch_directory / "log").native(), std::ios::trunc) << "anew\n";
  BOOST_TEST((heard() == std::vector<std::string>{"anew"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
