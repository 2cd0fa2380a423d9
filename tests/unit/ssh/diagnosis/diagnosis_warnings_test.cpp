// A warning of ssh is not the cause of its end, and does not hide the cause.
#include "ssh/diagnosis/diagnosis_case.hpp"

#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace holdfast::test;
using enum FailureClass;

namespace {

// Warnings of ssh 7.4 to 10.1, after which it continues.
const std::vector<std::string>& warnings() {
  static const std::vector<std::string> lines{
      "/home/ada/.ssh/config line 2: Unsupported option \"rsaauthentication\"\r\n",
      "/home/ada/.ssh/config line 3: Unsupported option \"compressionlevel\"\r\n",
      "/home/ada/.ssh/config line 4: Deprecated option \"useprivilegedport\"\r\n",
      "/etc/ssh/ssh_config.d/50-redhat.conf line 5: Unsupported option \"gssapiauthentication\"\r\n",
      "Warning: Permanently added 'bastion.example' (ED25519) to the list of known hosts.\r\n",
      "Failed to add the host to the list of known hosts (/home/ada/.ssh/known_hosts).\r\n",
      "load_hostkeys: hostkeys_foreach failed for /home/ada/.ssh/known_hosts: Permission denied\r\n",
      "Learned new hostkey: ED25519 SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4\r\n",
      "** WARNING: connection is not using a post-quantum key exchange algorithm.\r\n",
      "** This session may be vulnerable to \"store now, decrypt later\" attacks.\r\n",
      "** The server may need to be upgraded. See https://openssh.com/pq.html\r\n",
      "Warning: No xauth data; using fake authentication data for X11 forwarding.\r\n",
      "X11 forwarding request failed on channel 0\r\n",
      "Warning: remote port forwarding failed for listen port 2222\r\n",
      "mux_confirm_remote_forward: remote port forwarding failed for listen port 2222\r\n",
      "connect_to localhost port 22: failed.\r\n",
      "channel 3: open failed: connect failed: Connection refused\r\n",
      "Load key \"/home/ada/.ssh/id lab\": bad permissions\r\n",
  };
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(diagnosis)

BOOST_AUTO_TEST_CASE(a_warning_alone_explains_no_exit) {
  std::string all;
  for (const auto& warning : warnings()) {
    BOOST_TEST((!diagnose({.log = warning, .err = {}}, tunnel())), warning);
    all += warning;
  }
  BOOST_TEST((!diagnose({.log = all, .err = {}}, tunnel())));
  BOOST_TEST(
      (!diagnose({.log = {}, .err = "command-line line 0: Unsupported option \"compressionlevel\"\r\n"}, tunnel())));
}

BOOST_AUTO_TEST_CASE(a_warning_does_not_hide_the_cause) {
  for (const auto& warning : warnings()) {
    check({dead_peer, warning + "Timeout, server bastion.example not responding.\r\n", "stopped answering"});
    check({closed, warning + "client_loop: send disconnect: Broken pipe\r\n", "closed the connection"});
    const auto closed_by_server =
        diagnose({.log = warning, .err = "Connection to bastion.example closed by remote host.\r\n"}, tunnel());
    BOOST_REQUIRE(closed_by_server);
    BOOST_TEST(closed_by_server->failure == closed, warning);
  }
}

BOOST_AUTO_TEST_CASE(a_configuration_warning_explains_no_refused_login) {
  check({auth,
         "/home/ada/.ssh/config line 3: some remark of a release to come\r\n"
         "gate@bastion.example: Permission denied (publickey).\r\n",
         "refused the key"});
}

BOOST_AUTO_TEST_CASE(a_shell_warning_on_a_jump_host_is_ignored) {
  const auto diagnosis = diagnose({.log = "kex_exchange_identification: Connection closed by remote host\r\n"
                                          "Connection closed by UNKNOWN port 65535\r\n",
                                   .err = "/etc/profile: line 12: warning: setlocale: LC_ALL: cannot change locale "
                                          "(de_DE.UTF-8)\n"},
                                  tunnel());
  BOOST_REQUIRE(diagnosis);
  BOOST_TEST(diagnosis->failure == closed);
}

BOOST_AUTO_TEST_CASE(a_forward_warning_does_not_hide_the_cause) {
  check({dead_peer,
         "mux_confirm_remote_forward: remote port forwarding failed for listen port 2222\r\n"
         "connect_to localhost port 22: failed.\r\n"
         "Timeout, server bastion.example not responding.\r\n",
         "stopped answering"});
}

BOOST_AUTO_TEST_CASE(an_unreadable_key_does_not_hide_a_later_cause) {
  // ssh tries other keys after such a line. After a successful login the key is not the cause.
  check({closed,
         "Load key \"/home/ada/.ssh/id lab\": bad permissions\r\n"
         "Connection to bastion.example closed by remote host.\r\n",
         "closed the connection"});
}

BOOST_AUTO_TEST_SUITE_END()
