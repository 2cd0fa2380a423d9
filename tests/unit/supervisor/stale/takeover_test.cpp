// The stored sessions on bastions, and the messages of a failed takeover.
#include "supervisor/stale/takeover.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace holdfast::supervisor {
namespace {

const std::string k_boot = "3748514f-6cd4-46b3-b4bb-0f8da2c79c8e";

Tunnel tunnel() {
  TunnelSpec spec{
      TunnelName::parse("2222").value(), Destination::parse("gate@bastion").value(), {Forward::parse("2222").value()}};
  spec.takeover = true;
  return Tunnel::make(spec).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(takeover)

BOOST_AUTO_TEST_CASE(stores_sessions_by_bastion) {
  const RemoteSessions sessions{{"gate@a", {k_boot, 92, "3890422"}}, {"gate@b:2200", {k_boot, 4194304, "1"}}};
  BOOST_TEST((parse_remote_sessions(format_remote_sessions(sessions)) == sessions));
}

BOOST_AUTO_TEST_CASE(ignores_a_torn_or_forged_file) {
  const std::vector<std::string> texts{"",
                                       k_boot + " 92 12 gate@a",
                                       k_boot + " 1 12 gate@a\n",
                                       k_boot + " 92 12\n",
                                       k_boot + " 92 12;x gate@a\n",
                                       k_boot + " 92 12 gate@a extra\n",
                                       std::string(20'000, 'a') + "\n"};
  for (const std::string& text : texts) BOOST_TEST(parse_remote_sessions(text).empty(), text.substr(0, 80));
}

BOOST_AUTO_TEST_CASE(each_failed_takeover_has_its_own_message) {
  const Tunnel one = tunnel();
  const Forward& forward = one->forwards.front();
  using Result = ssh::TakeoverResult;
  std::vector<Diagnosis> all{explain_unknown_session(one, forward)};
  for (const Result result : {Result::ended, Result::gone, Result::elsewhere, Result::refused, Result::not_run})
    all.push_back(explain_takeover(result, one, forward));
  for (std::size_t at = 0; at < all.size(); ++at) {
    BOOST_TEST((all[at].failure == FailureClass::forward_busy));
    BOOST_TEST(all[at].message.starts_with("port 2222 on gate@bastion is "));
    BOOST_TEST(!all[at].hint.empty());
    for (std::size_t other = 0; other < at; ++other) BOOST_TEST(all[at].message != all[other].message);
  }
  BOOST_TEST(all.back().hint.find("ClientAliveInterval") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(autossh_cannot_be_combined_with_takeover) {
  TunnelSpec spec = tunnel().spec();
  spec.engine = Engine::autossh;
  const auto made = Tunnel::make(spec);
  BOOST_REQUIRE(!made);
  BOOST_TEST(made.error().subject == "takeover");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
