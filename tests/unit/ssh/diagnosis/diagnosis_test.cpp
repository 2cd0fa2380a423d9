// The class, message and hint of each message that OpenSSH prints.
#include "ssh/diagnosis/diagnosis_case.hpp"

#include <set>
#include <vector>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace holdfast::test;
using enum FailureClass;

namespace {

const std::string k_changed =
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
    "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n"
    "Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r\n"
    "It is also possible that a host key has just been changed.\r\n"
    "The fingerprint for the ED25519 key sent by the remote host is\n"
    "SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4.\r\n"
    "Please contact your system administrator.\r\n"
    "Add correct host key in /home/ada/.ssh/known_hosts to get rid of this message.\r\n"
    "Offending ED25519 key in /home/ada/.ssh/known_hosts:3\r\n"
    "  remove with:\r\n"
    "  ssh-keygen -f \"/home/ada/.ssh/known_hosts\" -R \"[bastion.example]:2200\"\r\n"
    "Host key for [bastion.example]:2200 has changed and you have requested strict checking.\r\n"
    "Host key verification failed.\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(diagnosis)

BOOST_AUTO_TEST_CASE(messages_of_openssh_get_their_class_and_text) {
  const std::vector<Case> cases{
      {dns, "ssh: Could not resolve hostname bastion.example: Name or service not known\r\n", "bastion.example"},
      {dns, "ssh: Could not resolve hostname bastion.example: Temporary failure in name resolution\r\n",
       "no name server answered"},
      {refused, "ssh: connect to host bastion.example port 2200: Connection refused\r\n", "bastion.example port 2200"},
      {timeout, "ssh: connect to host bastion.example port 2200: Connection timed out\r\n", "did not answer in time"},
      {timeout, "Connection timed out during banner exchange\r\nConnection to 192.0.2.1 port 2200 timed out\r\n",
       "sent no ssh banner"},
      {unreachable, "ssh: connect to host bastion.example port 2200: No route to host\r\n", "no route to host"},
      {unreachable, "ssh: connect to host bastion.example port 2200: Network is unreachable\r\n",
       "network is unreachable"},
      {auth, "gate@bastion.example: Permission denied (publickey,password).\r\n", "refused the key"},
      {auth, "gate@bastion.example: Permission denied (password,keyboard-interactive).\r\n", "only: password"},
      {auth,
       "Received disconnect from 192.0.2.1 port 2200:2: Too many authentication failures\r\n"
       "Disconnected from 192.0.2.1 port 2200\r\n",
       "refused the key"},
      {key_missing,
       "no such identity: /home/ada/.ssh/id lab: No such file or directory\r\n"
       "gate@bastion.example: Permission denied (publickey).\r\n",
       "/home/ada/.ssh/id lab does not exist"},
      {key_missing,
       "Load key \"/home/ada/.ssh/id lab\": invalid format\r\n"
       "gate@bastion.example: Permission denied (publickey).\r\n",
       "contains no private key"},
      {key_missing,
       "Load key \"/home/ada/.ssh/id lab\": error in libcrypto\r\n"
       "gate@bastion.example: Permission denied (publickey).\r\n",
       "contains no private key"},
      {key_permissions,
       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
       "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\r\n"
       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
       "Permissions 0644 for '/home/ada/.ssh/id lab' are too open.\r\n"
       "It is required that your private key files are NOT accessible by others.\r\n"
       "This private key will be ignored.\r\n"
       "Load key \"/home/ada/.ssh/id lab\": bad permissions\r\n"
       "gate@bastion.example: Permission denied (publickey).\r\n",
       "chmod 600 '/home/ada/.ssh/id lab'"},
      {key_permissions,
       "Load key \"/home/ada/.ssh/id lab\": Permission denied\r\n"
       "gate@bastion.example: Permission denied (publickey).\r\n",
       "cannot read the private key"},
      {key_passphrase,
       "Load key \"/home/ada/.ssh/id lab\": incorrect passphrase supplied to decrypt private key\r\n"
       "gate@bastion.example: Permission denied (publickey).\r\n",
       "has a passphrase"},
      {host_key_unknown,
       "No ED25519 host key is known for [bastion.example]:2200 and you have requested strict checking.\r\n"
       "Host key verification failed.\r\n",
       "--accept-new-host-key"},
      {host_key_unknown, "Host key verification failed.\r\n", "is unknown"},
      {host_key_changed, k_changed, "ssh-keygen -f /home/ada/.ssh/known_hosts -R '[bastion.example]:2200'"},
      {host_key_changed,
       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
       "@       WARNING: REVOKED HOST KEY DETECTED!               @\r\n"
       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
       "The ED25519 host key for bastion.example is marked as revoked.\r\n"
       "This could mean that a stolen key is being used to impersonate this host.\r\n"
       "ED25519 host key for bastion.example was revoked and you have requested strict checking.\r\n"
       "Host key verification failed.\r\n",
       "revoked"},
      {forward_busy, "Error: remote port forwarding failed for listen port 2222\r\n", "port 2222"},
      {dead_peer, "Timeout, server bastion.example not responding.\r\n", "stopped answering"},
      {dead_peer,
       "Read from remote host 192.0.2.1: Connection timed out\r\nclient_loop: send disconnect: Broken pipe\r\n",
       "stopped answering"},
      {closed, "Connection to bastion.example closed by remote host.\r\n", "closed the connection"},
      {closed, "Read from remote host 192.0.2.1: Connection reset by peer\r\n", "closed the connection"},
      {closed, "client_loop: send disconnect: Broken pipe\r\n", "closed the connection"},
      {closed,
       "kex_exchange_identification: Connection closed by remote host\r\n"
       "Connection closed by 192.0.2.1 port 2200\r\n",
       "before the ssh handshake"},
      {closed,
       "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 192.0.2.1 port 22\r\n",
       "before the ssh handshake"},
      {closed, "ssh_exchange_identification: Connection closed by remote host\r\n", "before the ssh handshake"},
      {closed, "banner exchange: Connection to 192.0.2.1 port 80: invalid format\r\n",
       "192.0.2.1 port 80 is not an ssh server"},
      {closed, "kex_exchange_identification: banner line contains invalid characters\r\n", "is not an ssh server"},
      {closed, "kex_exchange_identification: No SSH version received in first 1024 lines from server\r\n",
       "is not an ssh server"},
      {crypto,
       "Unable to negotiate with 192.0.2.1 port 2200: no matching host key type found. Their offer: "
       "ssh-rsa,ssh-dss\r\n",
       "--ssh-option HostKeyAlgorithms=+NAME"},
      {crypto,
       "Unable to negotiate with 192.0.2.1 port 22: no matching key exchange method found. Their offer: "
       "diffie-hellman-group1-sha1\r\n",
       "--ssh-option KexAlgorithms=+NAME"},
      {crypto, "Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: 3des-cbc\r\n",
       "3des-cbc"},
      {config,
       "/home/ada/.ssh/config: line 3: Bad configuration option: frobnicate\r\n"
       "/home/ada/.ssh/config: terminating, 1 bad configuration options\r\n",
       "correct that file"},
      {config,
       "/home/ada/.ssh/config line 2: Unsupported option \"rsaauthentication\"\r\n"
       "/home/ada/.ssh/config line 5: unsupported option \"perhaps\".\r\n"
       "/home/ada/.ssh/config line 6: Unsupported option \"compressionlevel\"\r\n"
       "/home/ada/.ssh/config: terminating, 1 bad configuration options\r\n",
       "config line 5: unsupported option \"perhaps\""},
      {config, "/home/ada/.ssh/config: terminating, 1 bad configuration options\r\n", "/home/ada/.ssh/config: term"},
      {config, "/home/ada/.ssh/config line 3: invalid time value.\r\n", "config line 3: invalid time value"},  // 8.4
      {config, "command-line: line 0: Bad configuration option: frobnicate\r\n", "--ssh-option"},
      {config, "Bad owner or permissions on /home/ada/.ssh/config\r\n", "correct that file"},
      {config, "No user exists for uid 4711\r\n", "no user exists for uid 4711"},
      {config, "unix_listener: path \"/very/long.Xk3\" too long for Unix domain socket\r\n", "too long"},
      {unknown, "a message that no release of ssh prints\r\n", "no release of ssh prints"},
  };
  for (const auto& expected : cases) check(expected);
}

BOOST_AUTO_TEST_CASE(every_class_has_its_own_text_and_hint) {
  std::set<std::string> messages;
  for (int i = 0; i <= static_cast<int>(unknown); ++i) {
    const auto failure = static_cast<FailureClass>(i);
    const auto diagnosis = explain(failure, tunnel());
    BOOST_TEST(diagnosis.failure == failure);
    BOOST_TEST(!diagnosis.hint.empty());
    BOOST_TEST(messages.insert(diagnosis.message).second, to_text(failure) << " has the text of another class");
    BOOST_TEST((diagnosis.message.find("  ") == std::string::npos));
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_host_key_is_shown_when_the_log_has_it) {
  check({host_key_unknown,
         "debug1: Server host key: ssh-ed25519 SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4\r\n"
         "No ED25519 host key is known for bastion.example and you have requested strict checking.\r\n"
         "Host key verification failed.\r\n",
         "the server offers ED25519 SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4"});
}

BOOST_AUTO_TEST_CASE(a_refused_forward_is_denied_only_with_a_server_message) {
  BOOST_TEST(says_forward_denied("debug1: Remote: Server has disabled port forwarding.\r\n"));
  BOOST_TEST(says_forward_denied("debug1: Remote: port forwarding refused\r\n"));
  BOOST_TEST(
      !says_forward_denied("mux_confirm_remote_forward: remote port forwarding failed for listen port 2222\r\n"
                           "debug1: mux_confirm_remote_forward: failure for: listen 2222, connect localhost:22\r\n"));
  BOOST_TEST(!says_forward_denied(""));
}

BOOST_AUTO_TEST_CASE(the_affected_forward_of_several_is_named) {
  const auto many = tunnel_to("gate@bastion", {"2222", "8080:localhost:80", "/run/lab.sock:localhost:22"});
  BOOST_TEST(explain(forward_busy, many, many->forwards[1]).message.find("port 8080 ") == 0u);
  BOOST_TEST(explain(forward_busy, many, many->forwards[2]).message.find("socket /run/lab.sock ") == 0u);
  check({forward_busy, "Error: remote port forwarding failed for listen port 8080\r\n", "port 8080 on"}, many);
  BOOST_TEST((explain(target_down, many, many->forwards[1]).message.find("localhost:80") != std::string::npos));
  BOOST_TEST(explain(target_down, many, many->forwards[1]).hint == "start the service there");
  BOOST_TEST((explain(target_down, many, many->forwards[2]).hint.find("systemctl start ssh") != std::string::npos));
  BOOST_TEST((explain(forward_denied, many, many->forwards[1]).hint.find("permitlisten=\"127.0.0.1:8080\"") !=
              std::string::npos));
}

// The bastion moved, and another machine has its former address.
BOOST_AUTO_TEST_CASE(a_name_that_may_lead_to_a_stranger_gets_no_ssh_keygen) {
  const std::string unknown_key =
      "No ED25519 host key is known for bastion.example and you have requested strict checking.\r\n"
      "Host key verification failed.\r\n";
  const auto found = [](const std::string& log, const std::string& last, const Tunnel& about) {
    return diagnose({.log = "debug1: Connecting to bastion.example [192.0.2.1] port 2200.\r\n" + log,
                     .err = {},
                     .last_address = last},
                    about)
        .value();
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  for (const auto& log : {k_changed, unknown_key}) {
    const auto same = found(log, "192.0.2.1", tunnel());
    BOOST_TEST(has(same.message, "the host key of gate@bastion.example:2200 at 192.0.2.1 "));
    BOOST_TEST(!has(same.message, "before"));
    BOOST_TEST(has(same.hint, "getent hosts bastion.example"));
    BOOST_TEST(!has(same.hint, "ssh-keygen"));
    BOOST_TEST(!has(same.hint, "accept-new-host-key"));
    BOOST_TEST(has(found(log, "192.0.2.7", tunnel()).message, "the name led to 192.0.2.7 before"));
  }
  // Nothing is known of an earlier address, or the bastion is given by its address.
  BOOST_TEST(has(found(k_changed, "", tunnel()).hint, "ssh-keygen"));
  std::string numeric = k_changed;
  numeric.replace(numeric.find("Host key for [bastion.example]"), 30, "Host key for [192.0.2.1]");
  for (const char* bastion : {"gate@192.0.2.1:2200", "alias"}) {
    const auto by_address = found(numeric, "192.0.2.1", tunnel_to(bastion));
    BOOST_TEST(has(by_address.hint, "ssh-keygen"));
    BOOST_TEST(has(by_address.message, " at 192.0.2.1 ") == (std::string(bastion) == "alias"));
  }
  BOOST_TEST(has(found(k_changed, "192.0.2.1", tunnel_to("alias")).hint, "getent hosts bastion.example"));
}

BOOST_AUTO_TEST_SUITE_END()
