#include "tunnels/command_tunnel/port_choice.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;
using std::chrono::milliseconds;
using store::ForwardState;

namespace {

supervisor::View view_with(ForwardState state, std::optional<FailureClass> failure = {}) {
  supervisor::View view;
  view.forwards = {state};
  if (failure) view.last_error = Diagnosis{*failure, "", ""};
  return view;
}

struct Choice {
  PortChoice choice{PortRange::parse("2230-2232").value()};

  /// As the sidecar does: requests the next port, and sees the machine's view before and after.
  std::optional<PortChoice::Next> refuse(ForwardState state) {
    (void)choice.on_view(view_with(ForwardState::pending));
    const auto next = choice.on_view(view_with(state));
    BOOST_TEST(!choice.on_view(view_with(state)));
    if (next) choice.requested();
    BOOST_TEST(!choice.on_view(view_with(state)));
    return next;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(port_choice, Choice)

BOOST_AUTO_TEST_CASE(a_busy_port_is_followed_by_the_next_at_once) {
  const auto next = refuse(ForwardState::busy);
  BOOST_REQUIRE(next);
  BOOST_TEST(next->port == 2231);
  BOOST_TEST(next->wait.count() == 0);
  BOOST_TEST(!next->new_login);
}

BOOST_AUTO_TEST_CASE(a_forbidden_port_needs_another_login) {
  const auto next = refuse(ForwardState::denied);
  BOOST_REQUIRE(next);
  BOOST_TEST(next->port == 2231);
  BOOST_TEST(next->new_login);
  BOOST_TEST((next->wait >= milliseconds(1000)));
}

BOOST_AUTO_TEST_CASE(a_round_begins_again_after_a_wait) {
  (void)refuse(ForwardState::busy);
  (void)refuse(ForwardState::busy);
  const auto next = refuse(ForwardState::busy);
  BOOST_REQUIRE(next);
  BOOST_TEST(next->port == 2230);
  BOOST_TEST((next->wait >= milliseconds(5000)));
}

BOOST_AUTO_TEST_CASE(a_granted_port_stays) {
  (void)refuse(ForwardState::busy);
  (void)choice.on_view(view_with(ForwardState::pending));
  (void)choice.on_view(view_with(ForwardState::up));
  (void)choice.on_view(view_with(ForwardState::down));
  BOOST_TEST(!choice.on_view(view_with(ForwardState::busy)));
  BOOST_TEST(choice.port() == 2231);
}

BOOST_AUTO_TEST_CASE(a_port_whose_target_is_down_is_granted) {
  (void)choice.on_view(view_with(ForwardState::down, FailureClass::target_down));
  BOOST_TEST(!choice.on_view(view_with(ForwardState::busy)));
}

BOOST_AUTO_TEST_CASE(a_failed_login_says_nothing_about_the_port) {
  BOOST_TEST(!choice.on_view(view_with(ForwardState::down, FailureClass::refused)));
  BOOST_TEST(choice.on_view(view_with(ForwardState::busy)).has_value());
}

BOOST_AUTO_TEST_CASE(a_single_port_is_never_replaced) {
  PortChoice single(PortRange::parse("2230").value());
  BOOST_TEST(!single.on_view(view_with(ForwardState::busy)));
  BOOST_TEST(!single.on_view(view_with(ForwardState::denied)));
}

BOOST_AUTO_TEST_SUITE_END()
