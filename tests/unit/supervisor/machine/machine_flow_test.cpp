// A connection whose packets nobody acknowledges.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

using Flow = ConnectionStatus::Flow;

constexpr ConnectionStatus k_silent{.flow = Flow::silent, .occupied = true};
constexpr ConnectionStatus k_silent_and_empty{.flow = Flow::silent, .occupied = false};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_flow)

BOOST_AUTO_TEST_CASE(an_outage_of_two_minutes_ends_no_ssh) {
  for (const ConnectionStatus& connection : {k_silent, k_silent_and_empty}) {
    Story story;
    story.bring_up();
    for (int probe = 0; probe < 12; ++probe) {
      BOOST_REQUIRE(has<Probe>(story.fire(Timer::probe)));
      BOOST_TEST(!has<EndChild>(story.answer_probe_silently(connection)));
    }
    BOOST_TEST((story.state() == TunnelState::waiting));
    BOOST_TEST((story.last_class() == FailureClass::dead_peer));
    BOOST_REQUIRE(has<Probe>(story.give(FlowChanged{{.flow = Flow::heard, .occupied = connection.occupied}})));
    story.answer_probe(Probed::verified);
    BOOST_TEST((story.state() == TunnelState::up));
    BOOST_TEST(story.machine.view().reconnects == 0U);
    BOOST_TEST(story.starts.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(another_bastion_replaces_a_silent_one_without_sessions) {
  Story story(plain_rules(1, 2));
  story.bring_up();
  story.give(FlowChanged{k_silent_and_empty});
  BOOST_TEST(!has<EndChild>(story.answer_probe_silently(k_silent_and_empty)));
  BOOST_TEST(has<EndChild>(story.answer_probe_silently(k_silent_and_empty)));
  Story occupied(plain_rules(1, 2));
  occupied.bring_up();
  occupied.give(FlowChanged{k_silent});
  for (int probe = 0; probe < 4; ++probe) {
    BOOST_TEST(!has<EndChild>(occupied.answer_probe_silently(k_silent)));
    occupied.fire(Timer::probe);
  }
}

BOOST_AUTO_TEST_CASE(a_dead_flow_ends_ssh_at_once) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  story.answer_probe_silently(k_silent);
  BOOST_TEST(has<EndChild>(story.give(FlowDead{})));
  BOOST_TEST((story.last_class() == FailureClass::dead_peer));
  BOOST_TEST(has<StartChild>(story.child_dies()));
}

BOOST_AUTO_TEST_CASE(a_frozen_server_is_found_by_two_probes) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  const ConnectionStatus heard{.flow = Flow::heard};
  BOOST_TEST(!has<EndChild>(story.answer_probe_silently(heard)));
  BOOST_TEST(has<EndChild>(story.answer_probe_silently(heard)));
}

BOOST_AUTO_TEST_CASE(an_unknown_flow_is_probed_as_before) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  BOOST_TEST(!has<EndChild>(story.answer_probe_silently({})));
  BOOST_TEST(has<EndChild>(story.answer_probe_silently({})));
}

BOOST_AUTO_TEST_CASE(an_empty_tunnel_logs_in_anew_when_the_link_returns) {
  Story story;
  story.bring_up();
  story.give(Resumed{{os::RouteStatus::none}});
  const Actions& actions = story.give(NetworkChanged{{.occupied = false}});
  BOOST_REQUIRE(has<Probe>(actions));
  for (const Action& action : actions)
    if (const auto* probe = std::get_if<Probe>(&action))
      BOOST_TEST((probe->timeout < k_short_probe_timeout + Milliseconds(10)));
  BOOST_TEST(has<EndChild>(story.answer_probe_silently(k_silent_and_empty)));
}

BOOST_AUTO_TEST_CASE(a_session_outlives_the_return_of_the_link) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  story.answer_probe_silently(k_silent);
  story.pass(k_between_change_probes);
  BOOST_REQUIRE(has<Probe>(story.give(NetworkChanged{{.occupied = true}})));
  for (int probe = 0; probe < 10; ++probe) {
    BOOST_TEST(!has<EndChild>(story.answer_probe_silently(k_silent)));
    story.fire(Timer::probe);
  }
}

// The bastion's kernel acknowledges what it gets, but waits for its own retransmission.
BOOST_AUTO_TEST_CASE(after_an_outage_a_session_waits_for_the_peer_as_long) {
  Story story;
  story.bring_up();
  story.give(FlowChanged{k_silent});
  story.answer_probe_silently(k_silent);
  story.pass(std::chrono::seconds(60));
  story.give(FlowChanged{{.flow = Flow::heard}});
  const TimePoint returned = story.now;
  const ConnectionStatus heard{.flow = Flow::heard};
  while (story.now - returned < std::chrono::seconds(55)) {
    BOOST_TEST(!has<EndChild>(story.answer_probe_silently(heard)));
    story.fire(Timer::probe);
  }
  story.pass(std::chrono::seconds(10));
  story.answer_probe_silently(heard);  // from here on its sshd hangs
  BOOST_TEST(has<EndChild>(story.answer_probe_silently(heard)));
}

BOOST_AUTO_TEST_CASE(after_an_outage_an_empty_tunnel_logs_in_anew) {
  Story story;
  story.bring_up();
  story.give(FlowChanged{k_silent_and_empty});
  story.answer_probe_silently(k_silent_and_empty);
  story.pass(std::chrono::seconds(60));
  BOOST_TEST((story.machine.phase() == Phase::up));
  const ConnectionStatus heard{.flow = Flow::heard, .occupied = false};
  BOOST_REQUIRE(has<Probe>(story.give(FlowChanged{heard})));
  BOOST_TEST(has<EndChild>(story.answer_probe_silently(heard)));
}

// Kernels without TCP_RTO_MAX_MS send again after up to two minutes.
BOOST_AUTO_TEST_CASE(when_only_the_path_returns_an_empty_tunnel_logs_in_anew) {
  for (const bool occupied : {false, true}) {
    const ConnectionStatus silent{.flow = Flow::silent, .occupied = occupied};
    Story story;
    story.bring_up();
    story.give(FlowChanged{silent});
    story.answer_probe_silently(silent);
    story.pass(std::chrono::seconds(60));
    BOOST_REQUIRE(has<Probe>(story.give(FlowChanged{silent, true})));
    BOOST_TEST(has<EndChild>(story.answer_probe_silently(silent)) == !occupied);
  }
}

BOOST_AUTO_TEST_CASE(a_short_loss_is_shown_once_and_forgotten) {
  Story story;
  story.bring_up();
  BOOST_REQUIRE(has<Probe>(story.give(FlowChanged{k_silent})));
  story.answer_probe(Probed::verified);
  BOOST_TEST(has<Probe>(story.give(FlowChanged{{.flow = Flow::heard}})));
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_login_that_hears_nothing_is_given_up) {
  Story story;
  story.log_in();
  story.grant();
  BOOST_TEST(!has<EndChild>(story.answer_probe_silently(k_silent)));
  BOOST_TEST(has<EndChild>(story.answer_probe_silently(k_silent)));
}

BOOST_AUTO_TEST_CASE(a_silent_request_for_a_busy_port_ends_no_ssh) {
  Story story(plain_rules(2));
  story.log_in();
  story.grant();
  story.refuse();
  story.answer_port_holder(Holder::held);
  BOOST_REQUIRE((story.machine.phase() == Phase::port_busy));
  story.fire(Timer::probe);
  story.answer_probe(Probed::verified);
  for (int request = 0; request < 5; ++request) {
    if (story.request == 0) story.fire(Timer::forward_retry);
    const ForwardAnswered silent{story.request, ForwardAnswered::Kind::no_reply, k_silent};
    BOOST_TEST(!has<EndChild>(story.give(silent)));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
