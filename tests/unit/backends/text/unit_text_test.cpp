// Values in unit files: a hostile name or path must not become a setting.
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

BOOST_AUTO_TEST_CASE(arguments_are_escaped) {
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

BOOST_DATA_TEST_CASE(an_unrepresentable_value_is_refused, data::make(k_unsayable), value) {
  BOOST_TEST(!encode_exec_line({"/bin/true", value}));
  BOOST_TEST(!encode_exec_line({"/" + value}));
  BOOST_TEST(!encode_environment("HOME", value));
  BOOST_TEST(!encode_environment(value, "x"));
  BOOST_TEST(!encode_path("/" + value));
  BOOST_TEST(!encode_user(value));
  BOOST_TEST(!encode_host(value));
}

BOOST_AUTO_TEST_CASE(an_error_escapes_the_value) {
  const auto refused = encode_exec_line({"/bin/true", "a\nUser=root"});
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(
      refused.error().line() ==
      R"(writing a systemd unit with argument "a\nUser=root": it contains a control character or invalid UTF-8)");
}

BOOST_DATA_TEST_CASE(a_program_path_that_systemd_rejects_is_refused,
                     data::make(std::vector<std::string>{"/home/a$b/holdfast", "", "holdfast", "./holdfast",
                                                         "-/bin/true", "/it's/holdfast", "/a\"b", "/back\\slash"}),
                     program) {
  BOOST_TEST(!encode_exec_line({program, "run"}));
}

BOOST_AUTO_TEST_CASE(an_empty_command_is_refused) { BOOST_TEST(!encode_exec_line({})); }

BOOST_AUTO_TEST_CASE(a_program_path_with_space_or_percent_is_escaped) {
  BOOST_TEST(encode_exec_line({"/home/ann b/100%/holdfast"}).value() == R"("/home/ann b/100%%/holdfast")");
}

BOOST_AUTO_TEST_CASE(environment_values_are_escaped) {
  // systemd.exec(5): in Environment= "$" is an ordinary character, "%" is not.
  BOOST_TEST(encode_environment("PATH", "/a b:$HOME/%s:\"q\"\\").value() == R"("PATH=/a b:$HOME/%%s:\"q\"\\")");
  BOOST_TEST(encode_environment("EMPTY", "").value() == R"("EMPTY=")");
}

BOOST_DATA_TEST_CASE(an_invalid_variable_name_is_refused,
                     data::make(std::vector<std::string>{"", "1X", "A B", "A=B", "A-B", "A.B", "ä"}), name) {
  BOOST_TEST(!encode_environment(name, "x"));
}

BOOST_AUTO_TEST_CASE(a_path_is_quoted_and_must_be_absolute) {
  BOOST_TEST(encode_path("/home/ann b/%h").value() == R"("/home/ann b/%%h")");
  BOOST_TEST(!encode_path("home/ann"));
  BOOST_TEST(!encode_path(""));
}

BOOST_DATA_TEST_CASE(valid_user_names_are_accepted,
                     data::make(std::vector<std::string>{"ann", "ann.b-c_d", "1000", "ann@corp.example", "machine$"}),
                     name) {
  BOOST_TEST(encode_user(name).value() == name);
}

BOOST_DATA_TEST_CASE(invalid_user_names_are_refused,
                     data::make(std::vector<std::string>{"", "-ann", "ann b", "%u", "ann/..", "ann:root", "ann\"",
                                                         "#0"}),
                     name) {
  BOOST_TEST(!encode_user(name));
}

BOOST_DATA_TEST_CASE(a_host_pattern_is_refused,
                     data::make(std::vector<std::string>{"", "*", "ws?", "ws[12]", "!ws", "%H", "ws ws2"}), name) {
  BOOST_TEST(!encode_host(name));
}

BOOST_AUTO_TEST_CASE(placeholders_are_replaced_and_emptied_lines_dropped) {
  const auto text = fill_template("A=@X@ and @Y@\n@NONE@\n\n# mail ann@example.org\n@Y@\n",
                                  {{"X", "1"}, {"Y", "2"}, {"NONE", ""}}, "t");
  BOOST_TEST(text.value() == "A=1 and 2\n\n# mail ann@example.org\n2\n");
}

BOOST_AUTO_TEST_CASE(an_inserted_value_is_not_expanded_again) {
  BOOST_TEST(fill_template("@X@\n", {{"X", "@Y@"}, {"Y", "secret"}}, "t").value() == "@Y@\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_placeholder_names_file_and_line) {
  const auto refused = fill_template("A\nB=@WHAT@\n", {}, "/home/ann/t.service");
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST(refused.error().line() == "filling the template /home/ann/t.service line 2: unknown placeholder @WHAT@");
}

BOOST_AUTO_TEST_SUITE_END()
