// How values are written into unit files: what a stranger puts into a name or a path must not become a setting.
#include "backends/text/unit_text.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::backends;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(unit_text)

BOOST_AUTO_TEST_CASE(arguments_reach_the_program_as_they_were) {
  const auto line = encode_exec_line({"/usr/bin/holdfast", "run", "a b", R"(say "hi")", R"(back\slash)", "100%h",
                                      "$HOME ${HOME}", "it's", "", ";", "@x", "-x", "über"});
  BOOST_REQUIRE(line.has_value());
  BOOST_TEST(*line ==
             R"("/usr/bin/holdfast" "run" "a b" "say \"hi\"" "back\\slash" "100%%h" "$$HOME $${HOME}" "it's" "" ";" )"
             R"("@x" "-x" "über")");
}

const std::vector<std::string> k_unsayable{
    "line\nExecStart=/bin/sh", "carriage\rreturn", "tab\there",      std::string("nul\0byte", 8),
    "escape\x1b[2J",           "delete\x7f",       "not utf-8 \xff", "cut short \xc3"};

BOOST_DATA_TEST_CASE(a_value_that_cannot_be_said_exactly_is_refused, data::make(k_unsayable), value) {
  BOOST_TEST(!encode_exec_line({"/bin/true", value}));
  BOOST_TEST(!encode_exec_line({"/" + value}));
  BOOST_TEST(!encode_environment("HOME", value));
  BOOST_TEST(!encode_environment(value, "x"));
  BOOST_TEST(!encode_path("/" + value));
  BOOST_TEST(!encode_user(value));
  BOOST_TEST(!encode_host(value));
}

BOOST_AUTO_TEST_CASE(a_refusal_names_the_value_without_its_control_bytes) {
  const auto refused = encode_exec_line({"/bin/true", "a\nUser=root"});
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(
      refused.error().line() ==
      R"(writing a systemd unit with argument "a\nUser=root": it contains a control character or invalid UTF-8)");
}

BOOST_DATA_TEST_CASE(a_program_that_systemd_would_not_start_is_refused,
                     data::make(std::vector<std::string>{"/home/a$b/holdfast", "", "holdfast", "./holdfast",
                                                         "-/bin/true", "/it's/holdfast", "/a\"b", "/back\\slash"}),
                     program) {
  BOOST_TEST(!encode_exec_line({program, "run"}));
}

BOOST_AUTO_TEST_CASE(no_program_at_all_is_refused) { BOOST_TEST(!encode_exec_line({})); }

BOOST_AUTO_TEST_CASE(a_program_path_with_a_space_or_a_percent_is_one_word) {
  BOOST_TEST(encode_exec_line({"/home/ann b/100%/holdfast"}).value() == R"("/home/ann b/100%%/holdfast")");
}

BOOST_AUTO_TEST_CASE(variables_are_set_to_what_they_were) {
  // systemd.exec(5): in Environment= "$" is an ordinary character, "%" is not.
  BOOST_TEST(encode_environment("PATH", "/a b:$HOME/%s:\"q\"\\").value() == R"("PATH=/a b:$HOME/%%s:\"q\"\\")");
  BOOST_TEST(encode_environment("EMPTY", "").value() == R"("EMPTY=")");
}

BOOST_DATA_TEST_CASE(a_variable_that_has_no_name_is_refused,
                     data::make(std::vector<std::string>{"", "1X", "A B", "A=B", "A-B", "A.B", "ä"}), name) {
  BOOST_TEST(!encode_environment(name, "x"));
}

BOOST_AUTO_TEST_CASE(a_path_is_one_word_and_absolute) {
  BOOST_TEST(encode_path("/home/ann b/%h").value() == R"("/home/ann b/%%h")");
  BOOST_TEST(!encode_path("home/ann"));
  BOOST_TEST(!encode_path(""));
}

BOOST_DATA_TEST_CASE(users_that_systemd_knows_are_taken,
                     data::make(std::vector<std::string>{"ann", "ann.b-c_d", "1000", "ann@corp.example", "machine$"}),
                     name) {
  BOOST_TEST(encode_user(name).value() == name);
}

BOOST_DATA_TEST_CASE(users_that_would_mean_something_else_are_refused,
                     data::make(std::vector<std::string>{"", "-ann", "ann b", "%u", "ann/..", "ann:root", "ann\"",
                                                         "#0"}),
                     name) {
  BOOST_TEST(!encode_user(name));
}

BOOST_DATA_TEST_CASE(a_host_that_would_be_a_pattern_is_refused,
                     data::make(std::vector<std::string>{"", "*", "ws?", "ws[12]", "!ws", "%H", "ws ws2"}), name) {
  BOOST_TEST(!encode_host(name));
}

BOOST_AUTO_TEST_CASE(a_template_is_filled_and_empty_lines_of_it_go) {
  const auto text = fill_template("A=@X@ and @Y@\n@NONE@\n\n# mail ann@example.org\n@Y@\n",
                                  {{"X", "1"}, {"Y", "2"}, {"NONE", ""}}, "t");
  BOOST_TEST(text.value() == "A=1 and 2\n\n# mail ann@example.org\n2\n");
}

BOOST_AUTO_TEST_CASE(a_filled_in_value_is_not_filled_again) {
  BOOST_TEST(fill_template("@X@\n", {{"X", "@Y@"}, {"Y", "secret"}}, "t").value() == "@Y@\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_placeholder_names_file_and_line) {
  const auto refused = fill_template("A\nB=@WHAT@\n", {}, "/home/ann/t.service");
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().line() == "filling the template /home/ann/t.service line 2: unknown placeholder @WHAT@");
}

BOOST_AUTO_TEST_SUITE_END()
