// What the probe of a forward proves.
#include "supervisor/probe/probe_result.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {
namespace {

using ssh::mux::ProbeAnswer;
using store::ForwardState;
using Answer = ProbeAnswer::Kind;
using Found = TargetConnections::Found;
using Kind = ProbeAnswered::Kind;

Tunnel tunnel_to(const char* forward) {
  return Tunnel::make({TunnelName::parse("lab").value(),
                       Destination::parse("gate@bastion").value(),
                       {Forward::parse(forward).value()}})
      .value();
}

ForwardResult result(const char* forward, Answer answer, Found found, const std::string& said = {},
                     bool connect_failed = false) {
  const Tunnel tunnel = tunnel_to(forward);
  ProbeAnswer reply{answer, {}, said, !said.empty()};
  return result_of({reply, found, connect_failed, tunnel->forwards[0].listen()}, tunnel, tunnel->forwards[0]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(probe_result)

BOOST_AUTO_TEST_CASE(tells_a_prohibited_probe_from_a_free_port) {
  BOOST_TEST((classify_open_failure("channel 2: open failed: administratively prohibited: open failed\n") ==
              OpenFailure::prohibited));
  BOOST_TEST((classify_open_failure("channel 2: open failed: connect failed: Connection refused\n") ==
              OpenFailure::nobody_listens));
  BOOST_TEST((classify_open_failure("") == OpenFailure::other));
}

BOOST_AUTO_TEST_CASE(only_a_connection_of_this_ssh_is_a_proof) {
  for (const auto answer : {Answer::banner, Answer::open}) {
    BOOST_TEST((result("2222", answer, Found::connected).kind == Kind::verified));
    const auto unseen = result("2222", answer, Found::unknown);
    BOOST_TEST((unseen.kind == Kind::unproven && unseen.state == ForwardState::up));
    const auto foreign = result("2222", answer, Found::none);
    BOOST_TEST((foreign.kind == Kind::target_down && foreign.state == ForwardState::busy));
    BOOST_TEST((foreign.why->failure == FailureClass::forward_busy));
  }
  BOOST_TEST((result("2222", Answer::silent, Found::none).state == ForwardState::busy));
}

BOOST_AUTO_TEST_CASE(a_target_that_does_not_accept_is_down) {
  for (const auto& down :
       {result("8080:db:80", Answer::open, Found::connecting), result("8080:db:80", Answer::open, Found::none),
        result("8080:10.0.0.7:80", Answer::open, Found::connecting),
        result("8080:localhost:80", Answer::closed, Found::none, "", true)}) {
    BOOST_TEST((down.kind == Kind::target_down && down.state == ForwardState::down));
    BOOST_TEST(down.why->message.find("is not accepting connections") != std::string::npos);
    BOOST_TEST(down.why->hint.find("sshd") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_target_that_closes_at_once_refuses) {
  const auto penalty = result("2222", Answer::closed, Found::none, "Not allowed at this time\r\n");
  BOOST_TEST((penalty.kind == Kind::target_down));
  BOOST_TEST(penalty.why->message ==
             "the target localhost:22 accepts connections and closes them at once, after: Not allowed at this time");
  BOOST_TEST(penalty.why->hint.find("PerSourcePenaltyExemptList 127.0.0.1,::1") != std::string::npos);
  BOOST_TEST(result("2222", Answer::closed, Found::none, "Exceeded MaxStartups\r\n").why->hint ==
             "raise MaxStartups in its sshd_config");
  BOOST_TEST(result("2222", Answer::closed, Found::none, "a\x1b[2J").why->message.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(finds_the_target_that_ssh_could_not_reach) {
  const End web = TcpEnd{"localhost", 80};
  BOOST_TEST(says_connect_failed("connect_to localhost port 80: failed.\n", web));
  BOOST_TEST(!says_connect_failed("connect_to localhost port 8080: failed.\n", web));
  BOOST_TEST(says_connect_failed("connect_to db: unknown host (Name or service not known)\n", TcpEnd{"db", 80}));
}

BOOST_AUTO_TEST_CASE(one_answered_probe_shows_that_the_bastion_is_alive) {
  const auto kind_of = [](std::vector<ForwardResult> results) { return combine(std::move(results)).kind; };
  const ForwardResult good{Kind::verified, ForwardState::up};
  const ForwardResult silent{};
  BOOST_TEST((kind_of({silent, silent}) == Kind::silent));
  BOOST_TEST((kind_of({good, silent}) == Kind::target_down));
  BOOST_TEST((kind_of({good, good}) == Kind::verified));
  BOOST_TEST((kind_of({good, forbidden(TcpEnd{"127.0.0.1", 1})}) == Kind::unproven));
  const auto mixed = combine({good, result("8080:db:80", Answer::open, Found::none)});
  BOOST_TEST((mixed.forwards == std::vector{ForwardState::up, ForwardState::down}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
