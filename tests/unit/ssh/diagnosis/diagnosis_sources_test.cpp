// Which output counts: ssh's log, its stderr, or how ssh ended. Text of the server never counts.
#include "ssh/diagnosis/diagnosis_case.hpp"

#include <optional>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace holdfast::test;
using enum FailureClass;

BOOST_AUTO_TEST_SUITE(diagnosis)

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
  BOOST_TEST(diagnosis->failure == jump_host);
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

BOOST_AUTO_TEST_SUITE_END()
