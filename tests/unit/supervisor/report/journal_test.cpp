// Lines of the journal: one for each time that the tunnel comes up or goes down, with its priority.
#include "supervisor/report/journal.hpp"

#include <boost/test/unit_test.hpp>

#include <syslog.h>

using namespace holdfast;
using namespace holdfast::supervisor;
using namespace std::chrono_literals;
using store::TunnelState;

namespace {

struct Supervised {
  Transitions transitions;
  View view;
  TimePoint now{1000h};

  std::string become(TunnelState state, const std::string& reason = {}) {
    view.state = state;
    view.reason = reason;
    view.verified = state == TunnelState::up;
    const auto line = transitions.next(view, now, "127.0.0.1:2222 of gate@bastion");
    return line ? std::to_string(line->priority) + " " + line->text : "";
  }
  void fail(FailureClass failure, const std::string& message, const std::string& hint = {}) {
    view.last_error = Diagnosis{failure, message, hint};
    ++view.errors;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(journal, Supervised)

BOOST_AUTO_TEST_CASE(up_has_the_time_that_it_was_down) {
  BOOST_TEST(become(TunnelState::connecting).empty());
  now += 3s;
  BOOST_TEST(become(TunnelState::up) == "6 up: 127.0.0.1:2222 of gate@bastion, verified end to end, after 3 s down");
  now += 2h;
  view.rtt_ms = 3;
  BOOST_TEST(become(TunnelState::up).empty());
}

BOOST_AUTO_TEST_CASE(down_has_its_class_and_the_time_that_it_was_up) {
  (void)become(TunnelState::up);
  now += 2h;
  fail(FailureClass::refused, "bastion port 22 refused the connection", "start sshd there");
  BOOST_TEST(become(TunnelState::waiting) ==
             "4 down, after 2 h up: refused: bastion port 22 refused the connection (start sshd there)");
  for (int i = 0; i < 3; ++i) {
    now += 5min;
    BOOST_TEST(become(TunnelState::connecting).empty());
    fail(FailureClass::refused, "bastion port 22 refused the connection");
    BOOST_TEST(become(TunnelState::waiting).empty());
  }
  fail(FailureClass::auth, "bastion refused the key");
  BOOST_TEST(become(TunnelState::failed) == "3 failed: auth: bastion refused the key");
  now += 45min;
  BOOST_TEST(become(TunnelState::up).ends_with(", after 1 h down"));
}

BOOST_AUTO_TEST_CASE(another_reason_while_it_is_down_is_news) {
  fail(FailureClass::dns, "cannot resolve \"bastion\"");
  BOOST_TEST(become(TunnelState::waiting) == "4 down: dns: cannot resolve \"bastion\"");
  fail(FailureClass::timeout, "bastion did not answer in time");
  BOOST_TEST(become(TunnelState::waiting) == "4 down: timeout: bastion did not answer in time");
}

BOOST_AUTO_TEST_CASE(a_reconnect_without_a_wait_has_both_lines) {
  (void)become(TunnelState::up);
  now += 90s;
  fail(FailureClass::closed, "bastion closed the connection");
  BOOST_TEST(become(TunnelState::connecting) == "4 down, after 1 min up: closed: bastion closed the connection");
  now += 1s;
  BOOST_TEST(become(TunnelState::up).ends_with(", after 1 s down"));
}

BOOST_AUTO_TEST_CASE(what_was_asked_for_is_no_warning) {
  (void)become(TunnelState::up);
  fail(FailureClass::closed, "an old error");
  (void)become(TunnelState::connecting);
  (void)become(TunnelState::up);
  BOOST_TEST(become(TunnelState::connecting, "the tunnel file changed") ==
             "6 down, after 0 s up: the tunnel file changed");
  (void)become(TunnelState::up);
  BOOST_TEST(become(TunnelState::stopped) == "6 stopped, after 0 s up");
}

BOOST_AUTO_TEST_CASE(a_degraded_tunnel_works) {
  (void)become(TunnelState::up);
  now += 10s;
  fail(FailureClass::target_down, "the target localhost:80 is not accepting connections");
  BOOST_TEST(become(TunnelState::degraded) ==
             "4 degraded: target-down: the target localhost:80 is not accepting connections");
  now += 10s;
  BOOST_TEST(become(TunnelState::up) == "6 up: 127.0.0.1:2222 of gate@bastion, verified end to end");
  BOOST_TEST(become(TunnelState::standby, "another host has the port") ==
             "6 standing by, after 20 s up: another host has the port");
}

BOOST_AUTO_TEST_SUITE_END()
