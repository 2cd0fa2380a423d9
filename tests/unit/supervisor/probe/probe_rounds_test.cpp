#include "supervisor/probe/probe_rounds.hpp"

#include "core/tunnel.hpp"

#include <boost/test/unit_test.hpp>

#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace holdfast::supervisor {
namespace {

using Kind = ProbeAnswered::Kind;
using store::ForwardState;

Tunnel tunnel_to(const std::vector<std::string>& targets) {
  TunnelSpec spec{TunnelName::parse("t").value(), Destination::parse("gate@bastion").value(), {}};
  int port = 2200;
  for (const auto& target : targets)
    spec.forwards.push_back(Forward::parse(std::to_string(port++) + ":" + target).value());
  return Tunnel::make(std::move(spec)).value();
}

/// The rounds over one connection to a tunnel's forwards.
struct Connection {
  explicit Connection(const std::vector<std::string>& targets) : tunnel(tunnel_to(targets)), all(targets.size()) {
    std::iota(all.begin(), all.end(), std::size_t{0});
  }
  std::vector<std::size_t> begin(bool may_reach = true) {
    round = rounds.begin(tunnel, all, [&](const std::string&, bool) { return may_reach && slots > 0 && slots-- > 0; });
    return round.forwards;
  }
  ProbeAnswered finish(Kind kind, ForwardState state = ForwardState::up) {
    ProbeAnswered answer;
    answer.kind = kind;
    answer.forwards.assign(round.forwards.size(), state);
    return rounds.finish(round, answer);
  }
  Tunnel tunnel;
  std::vector<std::size_t> all;
  ProbeRounds rounds;
  ProbeRounds::Round round;
  std::size_t slots = 100;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(probe_rounds)

BOOST_AUTO_TEST_CASE(each_forward_is_reached_once_and_then_each_distinct_target) {
  Connection connection(std::vector<std::string>(20, "localhost:22"));
  std::set<std::size_t> reached;
  for (const std::size_t slots : {12U, 1U, 7U}) {
    connection.slots = slots;
    const auto forwards = connection.begin();
    BOOST_TEST(forwards.size() == slots);
    for (const auto forward : forwards) BOOST_TEST(reached.insert(forward).second);
    const auto answer = connection.finish(Kind::verified);
    BOOST_TEST(answer.forwards.size() == 20U);
    BOOST_TEST((answer.kind == (reached.size() == 20 ? Kind::verified : Kind::unproven)));
  }
  connection.slots = 20;
  BOOST_TEST(connection.begin().size() == 1U);
}

BOOST_AUTO_TEST_CASE(different_targets_are_probed_together) {
  Connection connection({"localhost:22", "localhost:80", "localhost:22", "localhost:8888"});
  BOOST_TEST(connection.begin().size() == 4U);
  BOOST_TEST((connection.finish(Kind::verified).kind == Kind::verified));
  BOOST_TEST(connection.begin().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_forward_has_the_state_of_its_target) {
  Connection connection({"localhost:22", "localhost:22"});
  connection.begin();
  connection.finish(Kind::verified);
  connection.begin();
  const auto answer = connection.finish(Kind::target_down, ForwardState::down);
  BOOST_TEST((answer.kind == Kind::target_down));
  BOOST_TEST((answer.forwards == std::vector<ForwardState>(2, ForwardState::down)));
}

BOOST_AUTO_TEST_CASE(without_a_slot_the_path_alone_is_probed) {
  Connection connection({"localhost:22"});
  BOOST_TEST(connection.begin(false).empty());
  BOOST_TEST((connection.rounds.finish_path(connection.round, 5).kind == Kind::unproven));
  connection.begin();
  connection.finish(Kind::verified);
  BOOST_TEST(connection.begin(false).empty());
  const auto answer = connection.rounds.finish_path(connection.round, 7);
  BOOST_TEST((answer.kind == Kind::verified));
  BOOST_TEST(answer.rtt_ms.value() == 7);
  connection.rounds.start_over();
  BOOST_TEST(connection.begin(false).empty());
  BOOST_TEST((connection.rounds.finish_path(connection.round, 7).kind == Kind::unproven));
}

BOOST_AUTO_TEST_CASE(a_forward_that_a_round_skips_works_no_better_than_before) {
  Connection connection({"localhost:22", "localhost:80", "localhost:22"});
  connection.begin();
  (void)connection.rounds.finish(connection.round,
                                 {.kind = Kind::target_down,
                                  .forwards = {ForwardState::busy, ForwardState::down, ForwardState::up},
                                  .rtt_ms = {},
                                  .why = Diagnosis{FailureClass::target_down, "down", ""}});
  connection.round.forwards = {2};
  const auto answer = connection.finish(Kind::verified);
  BOOST_TEST((answer.kind == Kind::target_down));
  BOOST_TEST(answer.why->message == "down");
  BOOST_TEST((answer.forwards == std::vector{ForwardState::busy, ForwardState::down, ForwardState::up}));
}

BOOST_AUTO_TEST_CASE(a_skipped_target_has_the_state_that_another_tunnel_saw) {
  Connection connection({"localhost:22", "localhost:80"});
  connection.begin();
  connection.finish(Kind::verified);
  BOOST_TEST(connection.begin(false).empty());
  BOOST_TEST((connection.rounds.skipped_targets(connection.round) ==
              std::vector<std::string>{"localhost:22", "localhost:80"}));
  connection.rounds.hear("localhost:80", Diagnosis{FailureClass::target_down, "seen by another", ""});
  const auto down = connection.rounds.finish_path(connection.round, 7);
  BOOST_TEST((down.kind == Kind::target_down));
  BOOST_TEST(down.why->message == "seen by another");
  BOOST_TEST((down.forwards == std::vector{ForwardState::up, ForwardState::down}));
  connection.rounds.hear("localhost:80", {});
  const auto up = connection.rounds.finish_path(connection.round, 7);
  BOOST_TEST((up.kind == Kind::verified));
  BOOST_TEST(!up.why);
}

BOOST_AUTO_TEST_CASE(a_target_that_was_down_is_verified_when_another_tunnel_reached_it) {
  Connection connection({"localhost:22"});
  connection.begin();
  connection.finish(Kind::target_down, ForwardState::down);
  BOOST_TEST(connection.begin(false).empty());
  BOOST_TEST((connection.rounds.finish_path(connection.round, 7).kind == Kind::target_down));
  connection.rounds.hear("localhost:22", {});
  BOOST_TEST((connection.rounds.finish_path(connection.round, 7).kind == Kind::verified));
}

BOOST_AUTO_TEST_CASE(what_another_tunnel_saw_verifies_no_new_connection) {
  Connection connection({"localhost:22"});
  BOOST_TEST(connection.begin(false).empty());
  connection.rounds.hear("localhost:22", {});
  BOOST_TEST((connection.rounds.finish_path(connection.round, 7).kind == Kind::unproven));
}

BOOST_AUTO_TEST_CASE(a_forward_that_cannot_be_probed_stays_as_it_was_seen) {
  Connection connection({"localhost:22", "localhost:80"});
  connection.begin();
  (void)connection.rounds.finish(connection.round, {.kind = Kind::target_down,
                                                    .forwards = {ForwardState::up, ForwardState::down},
                                                    .rtt_ms = {},
                                                    .why = Diagnosis{FailureClass::target_down, "down", ""}});
  connection.begin(false);
  const Diagnosis why{FailureClass::unknown, "no socket", ""};
  auto answer = connection.rounds.finish_unseen(connection.round, why);
  BOOST_TEST((answer.kind == Kind::target_down));
  BOOST_TEST((answer.forwards == std::vector{ForwardState::up, ForwardState::down}));
  BOOST_TEST(answer.why->message == "no socket");
  connection.begin();
  connection.finish(Kind::verified);
  connection.begin(false);
  answer = connection.rounds.finish_unseen(connection.round, why);
  BOOST_TEST((answer.kind == Kind::unproven));
  BOOST_TEST(answer.why->message == "no socket");
}

BOOST_AUTO_TEST_CASE(silence_stays_silence) {
  Connection connection({"localhost:22", "localhost:80"});
  connection.begin();
  BOOST_TEST((connection.rounds.finish(connection.round, ProbeAnswered{}).kind == Kind::silent));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
