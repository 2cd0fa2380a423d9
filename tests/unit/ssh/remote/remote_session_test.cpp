// Our own session on the bastion: what is asked, and what is made of the answers, which are a stranger's.
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

BOOST_AUTO_TEST_CASE(the_session_is_found_among_what_start_up_files_print) {
  const auto session = parse_remote_session("Welcome!\nholdfast-far-session " + k_boot + " 92 3890422\nbye\n");
  BOOST_REQUIRE(session);
  BOOST_TEST((*session == RemoteSession{k_boot, 92, "3890422"}));
}

BOOST_AUTO_TEST_CASE(what_is_no_process_is_not_taken_for_one) {
  const std::vector<std::string> others{"",
                                        "holdfast-far-session\n",
                                        "holdfast-far-session " + k_boot + " 92\n",
                                        "holdfast-far-session " + k_boot + " 1 12\n",
                                        "holdfast-far-session " + k_boot + " -92 12\n",
                                        "holdfast-far-session " + k_boot + " 4194305 12\n",
                                        "holdfast-far-session " + k_boot + " 92;reboot 12\n",
                                        "holdfast-far-session " + k_boot + " 92 12'\n",
                                        "holdfast-far-session " + k_boot + " 92 123456789012345678901\n",
                                        "holdfast-far-session $(reboot) 92 12\n",
                                        "holdfast-far-session " + k_boot + " 92 12 13\n",
                                        "holdfast-far-session " + k_boot.substr(1) + " 92 12\n",
                                        " holdfast-far-session " + k_boot + " 92 12\n"};
  for (const std::string& said : others) BOOST_TEST(!parse_remote_session(said), said);
}

BOOST_AUTO_TEST_CASE(an_end_is_believed_only_where_the_command_says_so) {
  BOOST_TEST((parse_takeover_result("holdfast-far-session ended\n") == TakeoverResult::ended));
  BOOST_TEST((parse_takeover_result("motd\nholdfast-far-session gone\n") == TakeoverResult::gone));
  BOOST_TEST((parse_takeover_result("holdfast-far-session elsewhere\n") == TakeoverResult::elsewhere));
  BOOST_TEST((parse_takeover_result("holdfast-far-session refused\n") == TakeoverResult::refused));
  for (const char* said :
       {"", "ended\n", "This account is currently not available.\n", "holdfast-far-session ended now\n"})
    BOOST_TEST((parse_takeover_result(said) == TakeoverResult::not_run), said);
}

// With a way of its own ssh would log in anew where the master refuses: a storm of logins that nobody counts.
BOOST_AUTO_TEST_CASE(it_is_asked_over_the_connection_that_is_there_or_not_at_all) {
  const auto argv = command(std::nullopt);
  for (const char* word : {"ControlMaster=no", "ProxyCommand=false", "BatchMode=yes"})
    BOOST_TEST((std::find(argv.begin(), argv.end(), word) != argv.end()), word);
  BOOST_TEST(argv.at(argv.size() - 3) == "--");
  BOOST_TEST(argv.at(argv.size() - 2) == "gate@bastion");
}

// Whatever the login shell is there: what these mean to csh, fish or a POSIX shell inside single quotes is not asked.
BOOST_AUTO_TEST_CASE(the_command_is_one_quoted_word_for_every_shell_and_only_digits_follow) {
  const std::string ask = command(std::nullopt).back();
  BOOST_TEST(ask.starts_with("exec /bin/sh -c '"));
  BOOST_TEST(ask.ends_with("' holdfast"));
  const std::string inside = ask.substr(17, ask.size() - 17 - 10);
  BOOST_TEST(inside.find_first_of("'!\\\n`") == std::string::npos);
  BOOST_TEST(command(RemoteSession{k_boot, 92, "3890422"}).back() == ask + " " + k_boot + " 92 3890422");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::ssh
