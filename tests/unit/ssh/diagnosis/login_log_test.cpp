#include "ssh/diagnosis/login_log.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast::ssh;

BOOST_AUTO_TEST_SUITE(login_log)

BOOST_AUTO_TEST_CASE(the_log_shows_each_step_of_a_login) {
  std::string log =
      "debug1: Connecting to 127.0.0.1 [127.0.0.1] port 29122.\r\n"
      "debug1: Connection established.\r\n"
      "debug1: Local version string SSH-2.0-OpenSSH_9.2p1\r\n";
  LoginProgress connected;
  connected.address = "127.0.0.1";
  BOOST_TEST((read_login_log(log) == connected));
  log += "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1\r\n";
  BOOST_TEST(read_login_log(log).has_banner);
  log += "debug1: Server host key: ecdsa-sha2-nistp256 SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4\r\n";
  BOOST_TEST(read_login_log(log).host_key == "ECDSA SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4");
  BOOST_TEST(!read_login_log(log).host_key_trusted);
  log += "debug1: Host '[127.0.0.1]:29122' is known and matches the ECDSA host key.\r\n";
  BOOST_TEST(read_login_log(log).host_key_trusted);
}

BOOST_AUTO_TEST_CASE(a_pinned_key_and_a_certificate_are_trusted) {
  BOOST_TEST(read_login_log("Warning: Permanently added '[127.0.0.1]:1' (ED25519) to the list of known hosts.\r\n")
                 .host_key_trusted);
  const std::string found =
      "debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:abc, serial 0 ID \"x\" CA ssh-rsa "
      "SHA256:def valid forever\r\n"
      "debug1: Host 'bastion' is known and matches the ED25519-CERT host certificate.\r\n"
      "debug1: Found CA key in /home/ada/.ssh/known_hosts:1\r\n";
  const auto signed_key = read_login_log(found + "debug1: SSH2_MSG_NEWKEYS sent\r\n");
  BOOST_TEST(signed_key.host_key == "ED25519-CERT SHA256:abc");
  BOOST_TEST(signed_key.host_key_trusted);
  BOOST_TEST(signed_key.host_certificate == "ID \"x\" CA ssh-rsa SHA256:def valid forever");
  // ssh checks the dates of a certificate after that line.
  BOOST_TEST(!read_login_log(found).host_key_trusted);
  const std::string invalid = found + "Certificate invalid: expired\r\n";
  BOOST_TEST(!read_login_log(invalid).host_key_trusted);
  BOOST_TEST(read_login_log(invalid + "debug1: Host 'bastion' is known and matches the ED25519 host key.\r\n")
                 .host_key_trusted);
}

BOOST_AUTO_TEST_CASE(text_from_the_server_is_no_progress) {
  const auto progress = read_login_log(
      "debug1: kex_exchange_identification: banner line 0: debug1: Remote protocol version 2.0\r\n"
      "debug1: kex_exchange_identification: banner line 1: second\r\n"
      "debug1: Remote: Host 'x' is known and matches the ED25519 host key.\r\n");
  BOOST_TEST(progress.foreign == "debug1: Remote protocol version 2.0");
  BOOST_TEST(!progress.has_banner);
  BOOST_TEST(!progress.host_key_trusted);
}

BOOST_AUTO_TEST_CASE(incomplete_lines_are_ignored) {
  for (const char* log : {"", "\n\n\r\n", "debug1: Server host key: ", "debug1: Server host key: x", "debug1: Host '",
                          "debug1: kex_exchange_identification: banner line 0: "})
    BOOST_TEST((read_login_log(log) == LoginProgress{}));
}

BOOST_AUTO_TEST_CASE(the_address_is_the_last_one_that_ssh_tried) {
  BOOST_TEST(read_login_log("debug1: Connecting to bastion [2001:db8::1] port 22.\r\n"
                            "debug1: connect to address 2001:db8::1 port 22: Network is unreachable\r\n"
                            "debug1: Connecting to bastion [192.0.2.1] port 22.\r\n")
                 .address == "192.0.2.1");
  BOOST_TEST(read_login_log("debug1: Executing proxy command: exec nc bastion 22\r\n").address.empty());
}

BOOST_AUTO_TEST_SUITE_END()
