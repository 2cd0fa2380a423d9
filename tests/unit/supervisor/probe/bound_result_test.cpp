// Which addresses a forward listens on, from a connection without the tunnel.
#include "supervisor/probe/bound_result.hpp"

#include "store/exposure.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {
namespace {

using Kind = DirectDial::Kind;
using Found = TargetConnections::Found;
using store::Bound;

const TcpEnd k_v4{"203.0.113.5", 2227};
const TcpEnd k_v6{"2001:db8::5", 2227};

Bound bound(const char* listen, DirectDial dial, const TcpEnd& dialled = k_v4) {
  return bound_of(dial, dialled, {listen, 2227});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bound_result)

BOOST_AUTO_TEST_CASE(an_answer_that_reaches_the_target_means_all_addresses) {
  for (const char* listen : {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "*", "", "10.0.0.7"})
    BOOST_TEST((bound(listen, {Kind::answered, Found::connected}) == Bound::all), listen);
}

BOOST_AUTO_TEST_CASE(an_answer_of_another_process_proves_nothing) {
  for (const auto found : {Found::none, Found::connecting, Found::unknown})
    BOOST_TEST((bound("127.0.0.1", {Kind::answered, found}) == Bound::unknown));
}

BOOST_AUTO_TEST_CASE(the_one_address_that_was_asked_for_is_not_all) {
  BOOST_TEST((bound("203.0.113.5", {Kind::answered, Found::connected}) == Bound::unknown));
  BOOST_TEST((bound("gate.example.org", {Kind::answered, Found::connected}) == Bound::unknown));
}

BOOST_AUTO_TEST_CASE(a_reset_means_loopback) {
  for (const char* listen : {"127.0.0.1", "::1", "localhost", "0.0.0.0", "*", ""})
    BOOST_TEST((bound(listen, {Kind::refused}) == Bound::loopback), listen);
}

BOOST_AUTO_TEST_CASE(a_reset_says_nothing_about_another_address_family_or_address) {
  BOOST_TEST((bound("::", {Kind::refused}, k_v4) == Bound::unknown));
  BOOST_TEST((bound("0.0.0.0", {Kind::refused}, k_v6) == Bound::unknown));
  BOOST_TEST((bound("::", {Kind::refused}, k_v6) == Bound::loopback));
  BOOST_TEST((bound("10.0.0.7", {Kind::refused}) == Bound::unknown));
}

BOOST_AUTO_TEST_CASE(silence_claims_nothing) {
  for (const char* listen : {"127.0.0.1", "0.0.0.0", "::", "10.0.0.7"})
    BOOST_TEST((bound(listen, {Kind::silent}) == Bound::unknown), listen);
}

BOOST_AUTO_TEST_CASE(a_bastion_on_loopback_is_not_dialled) {
  const End listen = TcpEnd{"127.0.0.1", 2227};
  for (const char* bastion : {"127.0.0.1", "127.0.1.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "bastion", ""})
    BOOST_TEST((direct_end(bastion, listen) == std::nullopt), bastion);
  BOOST_TEST((direct_end("203.0.113.5", listen) == k_v4));
  BOOST_TEST((direct_end("::ffff:203.0.113.5", listen) == k_v4));
  BOOST_TEST((direct_end("203.0.113.5", SocketEnd{"/run/lab.sock"}) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_refused_wildcard_is_not_verified_and_says_how_to_allow_it) {
  BOOST_TEST((asks_for_all(TcpEnd{"0.0.0.0", 1}) && asks_for_all(TcpEnd{"::", 1})));
  BOOST_TEST((!asks_for_all(TcpEnd{"127.0.0.1", 1}) && !asks_for_all(TcpEnd{"10.0.0.7", 1})));
  const auto result = only_loopback(Forward::parse("0.0.0.0:2226").value(), "203.0.113.5");
  BOOST_TEST((result.kind == ProbeAnswered::Kind::unproven));
  BOOST_TEST(result.why->message ==
             "the bastion listens on its loopback address only, not on 0.0.0.0:2226: its address 203.0.113.5 refuses "
             "connections to that port");
  BOOST_TEST(result.why->hint.find("GatewayPorts clientspecified") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_exposure_is_what_was_not_asked_for) {
  const auto exposure = store::exposure_of("127.0.0.1:2227", Bound::all);
  BOOST_TEST(exposure->message ==
             "the bastion listens on all its addresses, not only on 127.0.0.1:2227: other hosts can connect to it");
  BOOST_TEST(exposure->hint.find("GatewayPorts") != std::string::npos);
  BOOST_TEST(store::exposure_of("[::1]:2227", Bound::all).has_value());
  BOOST_TEST(store::exposure_of("10.0.0.7:2227", Bound::all).has_value());
  for (const char* listen : {"0.0.0.0:2227", "[::]:2227", "*:2227", ":2227"})
    BOOST_TEST(!store::exposure_of(listen, Bound::all), listen);
  for (const auto bound : {Bound::loopback, Bound::unknown}) BOOST_TEST(!store::exposure_of("127.0.0.1:2227", bound));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
