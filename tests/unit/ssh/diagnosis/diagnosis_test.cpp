#include "ssh/diagnosis/diagnosis.hpp"

#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <set>

using namespace holdfast;
using namespace holdfast::ssh;
using enum FailureClass;

namespace holdfast {
std::ostream& operator<<(std::ostream& out, FailureClass failure) { return out << to_text(failure); }
}  // namespace holdfast

namespace {

struct Case {
  FailureClass failure;
  std::string log;   ///< output of OpenSSH, with its line breaks
  std::string text;  ///< part of the message or the hint
};

const Tunnel& tunnel() {
  static const Tunnel tunnel = tunnel_with_key("gate@bastion.example:2200", "/home/ada/.ssh/id lab");
  return tunnel;
}

void check(const Case& expected, const Tunnel& about = tunnel()) {
  BOOST_TEST_CONTEXT(expected.log) {
    const auto diagnosis = diagnose({.log = expected.log, .err = {}}, about);
    BOOST_REQUIRE(diagnosis);
    BOOST_TEST(diagnosis->failure == expected.failure);
    const std::string all = diagnosis->message + " | " + diagnosis->hint;
    BOOST_TEST_CONTEXT(all) BOOST_TEST((all.find(expected.text) != std::string::npos));
    BOOST_TEST(!diagnosis->hint.empty());
    BOOST_TEST((diagnosis->message.find('\n') == std::string::npos));
  }
}

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

BOOST_AUTO_TEST_CASE(without_output_there_is_no_diagnosis) {
  BOOST_TEST((!diagnose({}, tunnel())));
  BOOST_TEST(
      (!diagnose({.log = "debug1: Entering interactive session.\r\n", .err = "Welcome to the bastion\n"}, tunnel())));
}

BOOST_AUTO_TEST_CASE(an_internal_failure_of_ssh_is_quoted_from_stderr) {
  for (const std::string line : {"select: Bad file descriptor", "poll: Bad file descriptor"}) {
    const auto diagnosis =
        diagnose({.log = "connect_to localhost port 22: failed.\r\n", .err = "Welcome\n" + line + "\r\n"}, tunnel());
    BOOST_REQUIRE(diagnosis);
    BOOST_TEST(diagnosis->failure == unknown);
    BOOST_TEST(diagnosis->message == "ssh ended; its last message: " + line);
  }
}

BOOST_AUTO_TEST_CASE(only_a_signal_is_reported_as_killed) {
  const auto message = [](std::optional<int> exit_code, const std::string& err) {
    return explain_silent_end("ssh", process_end(exit_code, {.log = {}, .err = err})).message;
  };
  BOOST_TEST(message(128 + 9, "Welcome\n") == "ssh was killed by signal 9");
  BOOST_TEST(message(0, "Welcome\n") == "ssh ended on SIGTERM");
  BOOST_TEST(
      message(255, "Welcome\nchannel_x: \x1b[31mbad\r\n").find("ssh exited with status 255; the last line on ") == 0U);
  BOOST_TEST(message(255, "Welcome\nchannel_x: \x1b[31mbad\r\n").find('\x1b') == std::string::npos);
  BOOST_TEST(message(255, "") == "ssh exited with status 255 and gave no reason");
  BOOST_TEST(message(std::nullopt, "") == "ssh ended and gave no reason");
  BOOST_TEST(message(std::nullopt, "x\n") == "ssh ended; the last line on stderr: x");
}

BOOST_AUTO_TEST_CASE(the_last_line_of_the_log_does_not_explain_a_kill) {
  const SshOutput output{.log = "a message that no release of ssh prints\r\n", .err = {}};
  BOOST_TEST(diagnose(output, tunnel()).has_value());
  BOOST_TEST(!diagnose({.log = output.log, .err = {}, .ended_by_signal = true}, tunnel()).has_value());
}

BOOST_AUTO_TEST_CASE(an_unknown_host_key_is_shown_when_the_log_has_it) {
  check({host_key_unknown,
         "debug1: Server host key: ssh-ed25519 SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4\r\n"
         "No ED25519 host key is known for bastion.example and you have requested strict checking.\r\n"
         "Host key verification failed.\r\n",
         "the server offers ED25519 SHA256:RKiDkq52U3Y/qgXZskhGXQ3dyg5sVwC90lWYNy56Yq4"});
}

BOOST_AUTO_TEST_CASE(the_last_stderr_line_explains_a_lost_connection) {
  const auto failure_of = [](const std::string& log, const std::string& err) {
    const auto diagnosis = diagnose({.log = log, .err = err}, tunnel());
    BOOST_REQUIRE(diagnosis);
    return diagnosis->failure;
  };
  BOOST_TEST(failure_of("", "Welcome!\nConnection to bastion.example closed by remote host.\r\n") == closed);
  BOOST_TEST(failure_of("", "Read from remote host bastion.example: Connection reset by peer\r\n") == closed);
  BOOST_TEST(failure_of("client_loop: send disconnect: Broken pipe\r\n",
                        "Read from remote host bastion.example: Connection timed out\r\n") == dead_peer);
  // A banner can contain this line too, so the log of ssh decides.
  BOOST_TEST(failure_of("gate@bastion.example: Permission denied (publickey).\r\n",
                        "Connection to bastion.example closed by remote host.\r\n") == auth);
  BOOST_TEST(failure_of("Timeout, server bastion.example not responding.\r\n",
                        "Connection to bastion.example closed by remote host.\r\n") == dead_peer);
  BOOST_TEST((!diagnose({.log = {}, .err = "Host key verification failed.\r\n"}, tunnel())));
}

BOOST_AUTO_TEST_CASE(an_unreadable_key_does_not_hide_a_later_cause) {
  // ssh tries other keys after such a line. After a successful login the key is not the cause.
  check({closed,
         "Load key \"/home/ada/.ssh/id lab\": bad permissions\r\n"
         "Connection to bastion.example closed by remote host.\r\n",
         "closed the connection"});
}

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

BOOST_AUTO_TEST_CASE(text_from_the_server_never_counts_as_output_of_ssh) {
  const auto failure_of = [](const std::string& log, const std::string& err) {
    const auto diagnosis = diagnose({.log = log, .err = err}, tunnel());
    return diagnosis ? diagnosis->failure : target_down;
  };
  // The server writes banners and the text of a disconnect.
  BOOST_TEST(failure_of("Connection to bastion.example closed by remote host.\r\n",
                        "Host key for bastion.example has changed and you have requested strict checking.\r\n") ==
             closed);
  BOOST_TEST(failure_of("Connection to bastion.example closed by remote host.\r\n",
                        "command-line: line 0: Bad configuration option: x\r\nWelcome\r\nmore\r\n") == closed);
  BOOST_TEST(failure_of("Connection to bastion.example closed by remote host.\r\n",
                        "Warning: Identity file /etc/passwd not accessible: No such file or directory.\r\n") == closed);
  BOOST_TEST(failure_of("Received disconnect from 192.0.2.1 port 22:11: Host key verification failed.\r\n"
                        "Disconnected from 192.0.2.1 port 22\r\n",
                        "") == closed);
  BOOST_TEST(failure_of("debug1: Remote: Permission denied (publickey).\r\n"
                        "Connection to bastion.example closed by remote host.\r\n",
                        "") == closed);
}

BOOST_AUTO_TEST_CASE(the_first_stderr_lines_explain_a_failed_start) {
  const auto failure_of = [](const std::string& err) {
    const auto diagnosis = diagnose({.log = {}, .err = err}, tunnel());
    BOOST_REQUIRE(diagnosis);
    return diagnosis->failure;
  };
  BOOST_TEST(failure_of("command-line: line 0: Bad configuration option: x\r\n") == config);
  BOOST_TEST(failure_of("command-line line 0: unsupported option \"maybe\".\r\n") == config);
  BOOST_TEST(failure_of("command-line line 0: Unsupported option \"compressionlevel\"\r\n"
                        "command-line: line 0: Bad configuration option: x\r\n") == config);
  BOOST_TEST(failure_of("No user exists for uid 4711\r\n") == config);
  BOOST_TEST(failure_of("Couldn't open logfile /run/x: Permission denied\n") == config);

  const auto missing = diagnose({.log = "gate@bastion.example: Permission denied (publickey).\r\n",
                                 .err = "Warning: Identity file /home/ada/.ssh/id lab not accessible: No such file or "
                                        "directory.\r\n"},
                                tunnel());
  BOOST_REQUIRE(missing);
  BOOST_TEST(missing->failure == key_missing);
}

BOOST_AUTO_TEST_CASE(a_failed_jump_host_explains_the_closed_proxy) {
  const auto diagnosis = diagnose({.log = "kex_exchange_identification: Connection closed by remote host\r\n"
                                          "Connection closed by UNKNOWN port 65535\r\n",
                                   .err = "ssh: connect to host jump.example port 22: Connection refused\r\n"},
                                  tunnel());
  BOOST_REQUIRE(diagnosis);
  BOOST_TEST(diagnosis->failure == refused);
  BOOST_TEST((diagnosis->message.find("jump.example port 22") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(control_bytes_never_reach_a_terminal) {
  const std::vector<std::string> logs{
      std::string("\x1b]0;owned\x07 boo\x00ho\n", 19),
      "Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: \x1b[31mred\xff\xfe\r\n",
      "gate@bastion.example: Permission denied (\x1b[2Jpassword).\r\n",
      "ssh: Could not resolve hostname \x1b[31m\x9b: Name or service not known\r\n",
      "\xe2\x80\xae moc.elpmaxe\n",
      std::string(300'000, 'x') + "\n",
      "Load key \"\": \r\nPermission denied ().\r\n",
      ": : : : Permission denied (\r\n",
      " line : line 3: \r\n",
  };
  for (const auto& log : logs) {
    const auto diagnosis = diagnose({.log = log, .err = log}, tunnel());
    if (!diagnosis) continue;
    for (const char byte : diagnosis->message + diagnosis->hint)
      BOOST_TEST((static_cast<unsigned char>(byte) >= 0x20 && static_cast<unsigned char>(byte) != 0x7f));
    BOOST_TEST((diagnosis->message.find("\x9b") == std::string::npos));
    BOOST_TEST((diagnosis->message.find("\xe2\x80\xae") == std::string::npos));
    BOOST_TEST(diagnosis->message.size() < 1000u);
  }
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
  BOOST_TEST((explain(forward_denied, many, many->forwards[1]).hint.find("permitlisten=\"127.0.0.1:8080\"") !=
              std::string::npos));
}

BOOST_AUTO_TEST_SUITE_END()
