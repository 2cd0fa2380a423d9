#include "supervisor/machine/flow_policy.hpp"

#include "supervisor/machine/connection_limit.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {
namespace {

using std::chrono::seconds;
using Verdict = FlowPolicy::Verdict;

/// A policy, and a bastion that answers SYN probes or does not.
struct Flow {
  FlowPolicy policy;
  TimePoint now{std::chrono::hours(1)};
  int probes = 0;

  /// One second with so many packets unanswered; sends a SYN probe if one is due.
  Verdict second(unsigned unanswered, bool bastion_answers, Milliseconds retransmission = {}) {
    now += seconds(1);
    const Verdict verdict = policy.on_flow(
        {.since_ack = seconds(unanswered), .unanswered = unanswered, .retransmission = retransmission}, now);
    const bool silent = verdict != Verdict::heard && verdict != Verdict::recovered && verdict != Verdict::dead;
    if (silent && policy.is_probe_due(now)) {
      ++probes;
      policy.on_syn_probe(bastion_answers, now);
    }
    return verdict;
  }
};

/// The seconds until the verdict `dead`; 0: never within two minutes.
int seconds_until_dead(Flow& flow, bool bastion_answers, Milliseconds retransmission = {}) {
  for (int at = 1; at <= 120; ++at)
    if (flow.second(static_cast<unsigned>(at), bastion_answers, retransmission) == Verdict::dead) return at;
  return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flow_policy)

BOOST_AUTO_TEST_CASE(a_forgotten_connection_is_dead_after_eight_packets) {
  Flow flow;
  BOOST_TEST(seconds_until_dead(flow, true) == 8);
}

BOOST_AUTO_TEST_CASE(an_outage_is_never_a_dead_connection) {
  Flow flow;
  BOOST_TEST(seconds_until_dead(flow, false) == 0);
  BOOST_TEST(flow.probes <= 40);
}

BOOST_AUTO_TEST_CASE(after_an_outage_the_connection_has_two_seconds) {
  Flow flow;
  (void)seconds_until_dead(flow, false);
  int answered = 0;
  for (int at = 1; at <= 10; ++at) {
    const int before = flow.probes;
    const Verdict verdict = flow.second(100, true);
    answered += flow.probes - before;
    if (verdict != Verdict::dead) continue;
    BOOST_TEST(answered == k_answers_needed);
    return;
  }
  BOOST_TEST(false, "it was not found");
}

// 0.2 s, 0.4 s … after the first packet: RFC 6298.
BOOST_AUTO_TEST_CASE(retransmissions_that_back_off_need_no_minute) {
  Flow flow;
  int dead_after = 0;
  for (int at = 1; at <= 120 && dead_after == 0; ++at) {
    unsigned sent = 0;
    double wait = 0.2;
    for (double when = wait; when <= at; when += wait) {
      ++sent;
      wait *= 2;
    }
    if (flow.second(sent, true, Milliseconds(static_cast<int>(wait * 1000))) == Verdict::dead) dead_after = at;
  }
  BOOST_TEST(dead_after >= 12);
  BOOST_TEST(dead_after <= 16);
}

BOOST_AUTO_TEST_CASE(a_late_retransmission_is_awaited) {
  Flow flow;
  BOOST_TEST(seconds_until_dead(flow, true, seconds(25)) >= 25);
}

BOOST_AUTO_TEST_CASE(an_answer_in_time_is_reported_once) {
  Flow flow;
  BOOST_TEST((flow.second(0, true) == Verdict::heard));
  BOOST_TEST((flow.second(2, true) == Verdict::interrupted));
  for (unsigned unanswered = 3; unanswered < 8; ++unanswered)
    BOOST_TEST((flow.second(unanswered, true) == Verdict::silent));
  BOOST_TEST((flow.second(0, true) == Verdict::recovered));
  BOOST_TEST((flow.second(0, true) == Verdict::heard));
  BOOST_TEST((flow.second(8, true) == Verdict::interrupted));
  BOOST_TEST((flow.second(9, true) == Verdict::silent));  // the answered probes before it do not count
}

BOOST_AUTO_TEST_CASE(the_return_of_the_path_is_reported_once) {
  Flow flow;
  for (int at = 0; at < 20; ++at) BOOST_TEST((flow.second(5, false, seconds(30)) != Verdict::returned));
  int returns = 0;
  for (int at = 0; at < 5; ++at)
    if (flow.second(5, true, seconds(30)) == Verdict::returned) ++returns;
  BOOST_TEST(returns == 1);
}

BOOST_AUTO_TEST_CASE(a_connection_that_sends_each_second_shows_its_return_itself) {
  Flow flow;
  for (int at = 0; at < 20; ++at) (void)flow.second(5, false, seconds(1));
  for (int at = 0; at < 5; ++at) BOOST_TEST((flow.second(5, true, seconds(1)) != Verdict::returned));
}

BOOST_AUTO_TEST_CASE(one_lost_probe_is_no_outage) {
  Flow flow;
  (void)flow.second(2, false);
  for (int at = 0; at < 10; ++at) BOOST_TEST((flow.second(3, true) != Verdict::returned));
}

BOOST_AUTO_TEST_CASE(a_single_lost_packet_is_nothing) {
  Flow flow;
  BOOST_TEST((flow.second(1, true) == Verdict::heard));
  BOOST_TEST(flow.probes == 0);
}

BOOST_AUTO_TEST_CASE(a_rejected_probe_stops_the_probes) {
  Flow flow;
  (void)flow.second(2, true);
  flow.policy.on_rejection(flow.now);
  const int before = flow.probes;
  for (int at = 0; at < 30; ++at) BOOST_TEST((flow.second(20, true) == Verdict::silent));
  BOOST_TEST(flow.probes == before);
}

BOOST_AUTO_TEST_CASE(a_silence_of_ten_seconds_is_never_missed) {
  for (int age = 0; age <= 20; ++age) {
    const os::TcpFlow flow{.since_ack = seconds(age)};
    const Milliseconds wait = FlowPolicy::until_check(Verdict::heard, flow);
    BOOST_TEST((wait >= seconds(5) && wait <= seconds(8)));
    if (age <= 5) BOOST_TEST((wait + seconds(age) <= seconds(10)));
  }
  BOOST_TEST((FlowPolicy::until_check(Verdict::silent, {}) == k_silent_check));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
