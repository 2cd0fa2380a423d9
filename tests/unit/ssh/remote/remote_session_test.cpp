// The command that identifies or ends a session on the bastion, and its hostile answers.
#include "ssh/remote/remote_session.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace holdfast::ssh {
namespace {

const std::string k_boot = "3748514f-6cd4-46b3-b4bb-0f8da2c79c8e";

std::vector<std::string> command(const std::optional<RemoteSession>& stale) {
  return remote_command_line({"/usr/bin/ssh", {9, 2}}, "/run/x/1.s", Destination::parse("gate@bastion").value(), stale);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(remote_session)

BOOST_AUTO_TEST_CASE(the_session_is_found_after_output_of_start_up_files) {
  const auto session = parse_remote_session("Welcome!\nholdfast-session " + k_boot + " 92 3890422\nbye\n");
  BOOST_REQUIRE(session);
  BOOST_TEST((*session == RemoteSession{k_boot, 92, "3890422"}));
}

BOOST_AUTO_TEST_CASE(an_invalid_process_is_rejected) {
  const std::vector<std::string> others{"",
                                        "holdfast-session\n",
                                        "holdfast-session " + k_boot + " 92\n",
                                        "holdfast-session " + k_boot + " 1 12\n",
                                        "holdfast-session " + k_boot + " -92 12\n",
                                        "holdfast-session " + k_boot + " 4194305 12\n",
                                        "holdfast-session " + k_boot + " 92;reboot 12\n",
                                        "holdfast-session " + k_boot + " 92 12'\n",
                                        "holdfast-session " + k_boot + " 92 123456789012345678901\n",
                                        "holdfast-session $(reboot) 92 12\n",
                                        "holdfast-session " + k_boot + " 92 12 13\n",
                                        "holdfast-session " + k_boot.substr(1) + " 92 12\n",
                                        " holdfast-session " + k_boot + " 92 12\n"};
  for (const std::string& output : others) BOOST_TEST(!parse_remote_session(output), output);
}

BOOST_AUTO_TEST_CASE(a_takeover_succeeds_only_when_the_command_says_so) {
  BOOST_TEST((parse_takeover_result("holdfast-session ended\n") == TakeoverResult::ended));
  BOOST_TEST((parse_takeover_result("motd\nholdfast-session gone\n") == TakeoverResult::gone));
  BOOST_TEST((parse_takeover_result("holdfast-session elsewhere\n") == TakeoverResult::elsewhere));
  BOOST_TEST((parse_takeover_result("holdfast-session refused\n") == TakeoverResult::refused));
  for (const char* output :
       {"", "ended\n", "This account is currently not available.\n", "holdfast-session ended now\n"})
    BOOST_TEST((parse_takeover_result(output) == TakeoverResult::not_run), output);
}

// Otherwise ssh would log in itself after each refusal of the master.
BOOST_AUTO_TEST_CASE(the_command_never_opens_its_own_login) {
  const auto argv = command(std::nullopt);
  for (const char* word : {"ControlMaster=no", "ProxyCommand=false", "BatchMode=yes"})
    BOOST_TEST((std::find(argv.begin(), argv.end(), word) != argv.end()), word);
  BOOST_TEST(argv.at(argv.size() - 3) == "--");
  BOOST_TEST(argv.at(argv.size() - 2) == "gate@bastion");
}

// csh, fish and POSIX shells treat these characters differently inside single quotes.
BOOST_AUTO_TEST_CASE(the_command_is_one_quoted_word_and_then_only_digits) {
  const std::string ask = command(std::nullopt).back();
  BOOST_TEST(ask.starts_with("exec /bin/sh -c '"));
  BOOST_TEST(ask.ends_with("' holdfast"));
  const std::string inside = ask.substr(17, ask.size() - 17 - 10);
  BOOST_TEST(inside.find_first_of("'!\\\n`") == std::string::npos);
  BOOST_TEST(command(RemoteSession{k_boot, 92, "3890422"}).back() == ask + " " + k_boot + " 92 3890422");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::ssh
