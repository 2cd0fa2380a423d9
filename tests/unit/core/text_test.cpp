#include "core/text.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(control_sequences_are_escaped) {
  BOOST_TEST(printable("\x1b[2Jgone") == "\\x1b[2Jgone");
  BOOST_TEST(printable("a\nb\tc\r") == "a\\nb\\tc\\x0d");
  BOOST_TEST(printable("\xc2\x9b"
                       "31m") == "\\xc2\\x9b31m");  // C1 CSI
  BOOST_TEST(printable("\xe2\x80\xae"
                       "abc") == "\\xe2\\x80\\xaeabc");  // right-to-left override
  BOOST_TEST(printable("gr\xc3\xbc\xc3\x9f"
                       "e \xe2\x9c\x93") ==
             "gr\xc3\xbc\xc3\x9f"
             "e \xe2\x9c\x93");
  BOOST_TEST(printable("\xff\xc3") == "\\xff\\xc3");
}

BOOST_AUTO_TEST_CASE(marks_that_hide_or_reorder_text_are_escaped) {
  for (const char* mark : {"\u200b", "\u200e", "\u200f", "\u061c", "\u2028", "\u202e", "\u2066", "\u2069", "\ufeff",
                           "\u00ad", "\u2060", "\ufff9", "\U000e0041", "\u0085"})
    BOOST_TEST(printable(std::string("a") + mark + "b").find(mark) == std::string::npos, printable(mark));
  for (const char* good : {"\u00a0", "\u200c", "\u200d", "\u2027", "\u202f", "\u05d0", "\U0001f600"})
    BOOST_TEST(printable(good) == good);
}

BOOST_AUTO_TEST_CASE(only_whole_numbers_in_range_are_parsed) {
  BOOST_TEST(*parse_number("65535", 1, 65535) == 65535u);
  for (const char* bad : {"", "0", "65536", "1x", "+1", "-1", " 1", "1 ", "99999999999999999999"})
    BOOST_TEST(!parse_number(bad, 1, 65535), bad);
}

BOOST_AUTO_TEST_CASE(only_valid_utf8_passes_unescaped) {
  for (const char* good : {"a", "\xc2\xa0", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"})
    BOOST_TEST(printable(good) == good);
  BOOST_TEST(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong '/'
  BOOST_TEST(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // the same in three bytes
  BOOST_TEST(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  BOOST_TEST(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  BOOST_TEST(printable("\xe2\x82") == "\\xe2\\x82");                    // cut short
  BOOST_TEST(printable(std::string_view("a\0b", 3)) == "a\\x00b");
  BOOST_TEST(printable("\x7f") == "\\x7f");
}

BOOST_AUTO_TEST_CASE(control_bytes_are_found_anywhere) {
  for (const char* bad : {"\n", "a\t", "\x1b[0m", "a\x7f", "\x01z"}) BOOST_TEST(has_control_bytes(bad), bad);
  BOOST_TEST(has_control_bytes(std::string_view("a\0", 2)));
  for (const char* good : {"", " ", "a b", "gr\xc3\xbc", "~"}) BOOST_TEST(!has_control_bytes(good), good);
}

BOOST_AUTO_TEST_CASE(the_largest_number_is_parsed) {
  BOOST_TEST(*parse_number("4294967295", 0, 4294967295U) == 4294967295U);
  BOOST_TEST(!parse_number("4294967296", 0, 4294967295U));
  BOOST_TEST(*parse_number("0000000007", 0, 9) == 7u);
  BOOST_TEST(!parse_number("00000000007", 0, 9));
}

BOOST_AUTO_TEST_CASE(words_are_separated_by_runs_of_blanks) {
  BOOST_TEST((split_words("  a\tb  c ") == std::vector<std::string>{"a", "b", "c"}));
  BOOST_TEST((split_words("a\nb") == std::vector<std::string>{"a\nb"}));
  BOOST_TEST(split_words(" \t ").empty());
  BOOST_TEST(split_words("").empty());
}

BOOST_AUTO_TEST_CASE(the_first_line_that_is_not_blank_is_found) {
  BOOST_TEST(first_line("\n \r\n  why \r\nmore\n") == "why");
  BOOST_TEST(first_line("why") == "why");
  BOOST_TEST(first_line("\n\n").empty());
  BOOST_TEST(first_line("").empty());
}

BOOST_AUTO_TEST_CASE(only_the_given_characters_are_accepted) {
  BOOST_TEST(consists_of("aZ09", ""));
  BOOST_TEST(consists_of("a.b-c", ".-"));
  BOOST_TEST(!consists_of("", ".-"));
  BOOST_TEST(!consists_of("a_b", ".-"));
  BOOST_TEST(!consists_of("\xc3\xa4", ".-"));
  for (const char* name : {"A", "_", "LC_ALL", "x1"}) BOOST_TEST(is_variable_name(name), name);
  for (const char* name : {"", "1A", "A B", "A=B", "A-B", "\xc3\xa4"}) BOOST_TEST(!is_variable_name(name), name);
}

BOOST_AUTO_TEST_CASE(case_is_ignored_for_ascii_letters_only) {
  BOOST_TEST(equals_ignoring_case("ProxyJump", "pROXYjUMP"));
  BOOST_TEST(!equals_ignoring_case("Proxy", "ProxyJump"));
  BOOST_TEST(!equals_ignoring_case("[", "{"));                // 0x20 apart, as letters are
  BOOST_TEST(!equals_ignoring_case("\xc3\x84", "\xc3\xa4"));  // not ASCII
}

BOOST_AUTO_TEST_CASE(a_quoted_word_means_itself_to_a_shell) {
  BOOST_TEST(shell_quote("/home/ann/a-b_c.d:1,2@x=%+") == "/home/ann/a-b_c.d:1,2@x=%+");
  BOOST_TEST(shell_quote("it's") == R"('it'\''s')");
  BOOST_TEST(shell_quote("$(id) `id`") == "'$(id) `id`'");
  BOOST_TEST(shell_quote("a'b;rm") == "'a'\\''b;rm'");
  BOOST_TEST(shell_quote("a\nb") == "'a\nb'");
  BOOST_TEST(shell_quote("~") == "'~'");
  BOOST_TEST(shell_quote("") == "''");
  BOOST_TEST(single_quoted("plain") == "'plain'");
}

BOOST_AUTO_TEST_CASE(trim_and_split_keep_every_other_byte) {
  BOOST_TEST(trim(" \t a b\r\n") == "a b");
  BOOST_TEST(trim(" \t\r\n").empty());
  BOOST_TEST(trim("").empty());
  BOOST_TEST((split("a,,b", ',') == std::vector<std::string>{"a", "", "b"}));
  BOOST_TEST((split("", ',') == std::vector<std::string>{""}));
  BOOST_TEST((split(",", ',') == std::vector<std::string>{"", ""}));
}

// It names control sockets: another value after an upgrade would orphan every running ssh.
BOOST_AUTO_TEST_CASE(the_hash_of_a_name_never_changes) {
  BOOST_TEST(fnv1a("") == 0xcbf29ce484222325ULL);
  BOOST_TEST(fnv1a("a") == 0xaf63dc4c8601ec8cULL);
  BOOST_TEST(fnv1a("foobar") == 0x85944171f73967e8ULL);  // test vectors of its authors
}

BOOST_AUTO_TEST_SUITE_END()
