// Parsing of command lines, and the errors for invalid ones.
#include "cli/arguments.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;

namespace {

const std::vector<Option> k_options{{"port,p", "PORT", "", true},
                                    {"identity,secret-key,i,s", "FILE", ""},
                                    {"name,n", "NAME", ""},
                                    {"json", "", ""},
                                    {"verbose,v", "", ""}};

Arguments given(const std::vector<std::string>& words) { return parse_arguments(words, k_options).value(); }

Error refused(const std::vector<std::string>& words) {
  const auto arguments = parse_arguments(words, k_options);
  BOOST_REQUIRE(!arguments);
  BOOST_TEST(static_cast<int>(arguments.error().status) == static_cast<int>(ExitStatus::usage));
  return arguments.error();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(arguments)

BOOST_AUTO_TEST_CASE(all_names_of_an_option_are_equal) {
  for (const char* name : {"-i", "-s", "--identity", "--secret-key"})
    BOOST_TEST(given({name, "key"}).one("identity").value() == "key", name);
  BOOST_TEST(given({"--secret-key=key"}).one("identity").value() == "key");
  BOOST_TEST(given({"-skey"}).one("identity").value() == "key");
}

BOOST_AUTO_TEST_CASE(options_and_operands_mix) {
  const auto arguments = given({"one", "--json", "two", "-p", "1", "--", "-three"});
  const std::vector<std::string> expected{"one", "two", "-three"};
  BOOST_TEST(arguments.operands() == expected, boost::test_tools::per_element());
  BOOST_TEST(arguments.has("json"));
  BOOST_TEST(!arguments.has("verbose"));
}

BOOST_AUTO_TEST_CASE(repeatable_options_keep_their_order) {
  const std::vector<std::string> expected{"3", "1", "2"};
  BOOST_TEST(given({"-p", "3", "--port=1", "-p2"}).all("port") == expected, boost::test_tools::per_element());
  BOOST_TEST(given({}).all("port").empty());
}

BOOST_AUTO_TEST_CASE(a_value_is_never_guessed) {
  BOOST_TEST(refused({"-n"}).line() == "reading option --name: its value is missing");
  BOOST_TEST(refused({"--name="}).line() == "reading option --name: its value is missing");
  BOOST_TEST(refused({"-n", ""}).line() == "reading option --name: its value is empty");
  BOOST_TEST(refused({"--json=yes"}).line() == "reading option --json: it takes no value");
  BOOST_TEST(refused({"-n", "a", "--name", "b"}).line() == "reading option --name: it is given more than once");
  BOOST_TEST(refused({"-s"}).line() == "reading option --identity: its value is missing");
  BOOST_TEST(refused({"-i", "a", "-s", "b"}).line() == "reading option --identity: it is given more than once");
  BOOST_TEST(refused({"-s", "a", "--secret-key", "b"}).line() ==
             "reading option --identity: it is given more than once");
  // As in getopt(3) the next word is the value, whatever it looks like. Later checks refuse it.
  BOOST_TEST(given({"-n", "-oProxyCommand=touch /tmp/x"}).one("name").value() == "-oProxyCommand=touch /tmp/x");
  BOOST_TEST(given({"-n", "--json"}).one("name").value() == "--json");
}

BOOST_AUTO_TEST_CASE(suggests_the_nearest_option) {
  BOOST_TEST(refused({"--por", "1"}).hint == "did you mean --port");
  BOOST_TEST(refused({"--jsno"}).hint == "did you mean --json");
  BOOST_TEST(refused({"--nmae=x"}).hint == "did you mean --name");
  BOOST_TEST(refused({"--completely-else"}).hint.empty());
  BOOST_TEST(refused({"--jsno"}).line() == "reading option --jsno: there is no such option");
}

BOOST_AUTO_TEST_CASE(escapes_control_bytes_in_errors) {
  BOOST_TEST(refused({"--\x1b[31m"}).line().find('\x1b') == std::string::npos);
  BOOST_TEST(refused({"--a\nb"}).line().find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
