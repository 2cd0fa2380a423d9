// Failures of a ProxyJump, with the output of OpenSSH 9.2. The jump host's ssh writes to stderr.
#include "ssh/diagnosis/jump_host.hpp"

#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::ssh;
using enum FailureClass;

namespace {

const std::string k_closed =
    "kex_exchange_identification: Connection closed by remote host\r\n"
    "Connection closed by UNKNOWN port 65535\r\n";

Diagnosis behind_jump(const std::string& err, const std::vector<std::string>& jumps = {}) {
  SshOutput output{.log = k_closed, .err = err};
  for (const auto& jump : jumps) output.jump_hosts.push_back(Destination::parse(jump).value());
  const auto diagnosis = diagnose(output, tunnel_to("gate@final"));
  BOOST_REQUIRE(diagnosis);
  return *diagnosis;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(jump_host_diagnosis)

BOOST_AUTO_TEST_CASE(a_refused_key_names_the_jump_host_and_its_user) {
  const auto found = behind_jump("nosuch@127.0.0.1: Permission denied (publickey).\r\n");
  BOOST_TEST((found.failure == jump_host));
  BOOST_TEST((found.retry_class() == auth));
  BOOST_TEST(found.message == "the jump host nosuch@127.0.0.1 refused the key of this machine");
  BOOST_TEST(has(found.hint, "ssh-copy-id nosuch@127.0.0.1"));
}

BOOST_AUTO_TEST_CASE(an_unknown_host_key_is_the_jump_hosts) {
  const auto found = behind_jump(
      "No ED25519 host key is known for [127.0.0.1]:2300 and you have requested strict checking.\r\n"
      "Host key verification failed.\r\n");
  BOOST_TEST((found.failure == jump_host));
  BOOST_TEST((found.retry_class() == host_key_unknown));
  BOOST_TEST(has(found.message, "the jump host 127.0.0.1 port 2300 is unknown"));
  BOOST_TEST(has(found.hint, "ssh -p 2300 127.0.0.1"));
  BOOST_TEST(!has(found.hint, "accept-new-host-key"));
}

// With StrictHostKeyChecking ask, ssh does not name the host.
BOOST_AUTO_TEST_CASE(the_resolved_route_names_a_jump_host_that_ssh_does_not_name) {
  const auto found = behind_jump("Host key verification failed.\r\n", {"ada@jump:2300"});
  BOOST_TEST((found.failure == jump_host));
  BOOST_TEST(found.message == "the host key of the jump host ada@jump:2300 is unknown");
  BOOST_TEST(has(found.hint, "ssh -p 2300 ada@jump"));
  BOOST_TEST(has(behind_jump("Host key verification failed.\r\n").message, "the jump host is unknown"));
}

BOOST_AUTO_TEST_CASE(a_changed_host_key_is_removed_under_the_jump_hosts_name) {
  const auto found = behind_jump(
      "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"
      "Offending ED25519 key in /home/ada/known2:1\r\n"
      "Host key for [127.0.0.1]:2301 has changed and you have requested strict checking.\r\n"
      "Host key verification failed.\r\n");
  BOOST_TEST((found.retry_class() == host_key_changed));
  BOOST_TEST(has(found.hint, "ssh-keygen -f /home/ada/known2 -R '[127.0.0.1]:2301'"));
}

BOOST_AUTO_TEST_CASE(a_jump_host_that_is_down_is_retried_like_a_bastion_that_is_down) {
  const auto refusing =
      behind_jump("ssh: connect to host 127.0.0.1 port 2301: Connection refused\r\n", {"ada@127.0.0.1:2301"});
  BOOST_TEST((refusing.failure == jump_host));
  BOOST_TEST((refusing.retry_class() == refused));
  BOOST_TEST(has(refusing.message, "the jump host ada@127.0.0.1:2301 refused the connection"));
  const auto unresolved =
      behind_jump("ssh: Could not resolve hostname no-such-host.invalid: Temporary failure in name resolution\r\n");
  BOOST_TEST((unresolved.retry_class() == dns));
  BOOST_TEST(has(unresolved.message, "cannot resolve the jump host no-such-host.invalid"));
  const auto silent = behind_jump("ssh: connect to host 127.0.0.1 port 2301: Connection timed out\r\n");
  BOOST_TEST((silent.retry_class() == timeout));
}

// PermitOpen none on the jump host, and a bastion that is down.
BOOST_AUTO_TEST_CASE(a_jump_host_that_cannot_go_on_is_named_with_the_bastion) {
  const auto denied = behind_jump(
      "channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n", {"jump"});
  BOOST_TEST((denied.failure == jump_host));
  BOOST_TEST(has(denied.message, "the jump host jump does not allow a connection to gate@final"));
  BOOST_TEST(has(denied.hint, "PermitOpen"));
  const auto down =
      behind_jump("channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n");
  BOOST_TEST((down.retry_class() == refused));
  BOOST_TEST(down.message == "the jump host cannot connect to gate@final: connection refused");
}

// The ssh of the second jump host complains about the first.
BOOST_AUTO_TEST_CASE(of_a_chain_the_first_failure_counts) {
  const auto found =
      behind_jump("ada@first: Permission denied (publickey).\r\n" + k_closed, {"ada@first", "ada@second"});
  BOOST_TEST(has(found.message, "the jump host ada@first refused"));
}

BOOST_AUTO_TEST_CASE(a_loop_is_named) {
  const auto found = diagnose({.log = "jumphost loop via a\r\n", .err = {}}, tunnel_to("a"));
  BOOST_REQUIRE(found);
  BOOST_TEST((found->failure == jump_host));
  BOOST_TEST(found->message == "the jump hosts to a lead back to each other");
}

BOOST_AUTO_TEST_CASE(another_proxy_command_is_no_jump_host) {
  BOOST_TEST((behind_jump("nc: connect: something\n").failure == closed));
}

BOOST_AUTO_TEST_CASE(the_words_of_a_jump_host_never_reach_the_terminal_raw) {
  const auto found = behind_jump("\x1b[31mx@h\x9b: Permission denied (publickey).\r\n");
  BOOST_TEST(!has(found.message + found.hint, "\x1b"));
  BOOST_TEST(!has(found.message + found.hint, "\x9b"));
}

BOOST_AUTO_TEST_SUITE_END()
