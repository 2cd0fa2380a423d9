// Widths, cuts and line breaks on a terminal.
#include "cli/output/text_layout.hpp"
#include "cli/output/table.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast::cli;

namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_layout)

BOOST_AUTO_TEST_CASE(wide_and_combining_characters_have_their_width) {
  BOOST_TEST(columns("日本") == 4U);
  BOOST_TEST(columns("é") == 1U);
  BOOST_TEST(columns("e\u0301") == 1U);
  BOOST_TEST(columns("█·→") == 3U);
  BOOST_TEST(columns("🦀") == 2U);
  BOOST_TEST(columns("\xff") == 1U);
  BOOST_TEST(padded("日", 4) == "日  ");
}

BOOST_AUTO_TEST_CASE(only_our_own_colours_reach_a_terminal) {
  const auto painted = "\x1b[31mdown\x1b[0m";
  BOOST_TEST(without_controls(painted + std::string("\x1b[2J\x1b]0;x\a\x1b[8m\u202e\r\n\tnext\x1b")) ==
             painted + std::string("\\x1b[2J\\x1b]0;x\\x07\\x1b[8m\\xe2\\x80\\xae\\x0d\n\tnext\\x1b"));
  for (const auto style : {Style::plain, Style::bold, Style::dim, Style::green, Style::yellow, Style::red})
    BOOST_TEST(without_controls(paint(style, "x", true)) == paint(style, "x", true));
}

BOOST_AUTO_TEST_CASE(clipping_keeps_escape_sequences) {
  BOOST_TEST(clipped("short", 10) == "short");
  BOOST_TEST(clipped("exactly", 7) == "exactly");
  BOOST_TEST(clipped("too long", 3) == "too");
  BOOST_TEST(clipped("\x1b[32mgreen\x1b[0m and more", 3) == "\x1b[32mgre\x1b[0m");
  BOOST_TEST(clipped("→→→", 2) == "→→");
  BOOST_TEST(clipped("", 0) == "");
}

BOOST_AUTO_TEST_CASE(clipping_never_cuts_a_wide_character_in_half) {
  BOOST_TEST(clipped("日本", 3) == "日");
  BOOST_TEST(clipped("日本x", 3) == "日");
}

BOOST_AUTO_TEST_CASE(a_cut_is_marked) {
  BOOST_TEST(truncated("gate@bastion", 12, true) == "gate@bastion");
  BOOST_TEST(truncated("gate@bastion", 6, true) == "gate@…");
  BOOST_TEST(truncated("gate@bastion", 6, false) == "gat...");
  BOOST_TEST(truncated("gate@bastion", 2, false) == "ga");
}

BOOST_AUTO_TEST_CASE(messages_wrap_at_spaces) {
  BOOST_TEST(joined(wrapped("the bastion refuses this key", 12)) == "the bastion\nrefuses this\nkey\n");
  BOOST_TEST(joined(wrapped("a-word-that-is-wider than", 8)) == "a-word-that-is-wider\nthan\n");
}

BOOST_AUTO_TEST_CASE(a_hint_never_wraps_inside_a_command) {
  BOOST_TEST(joined(wrapped_hint("run this: sudo loginctl enable-linger ann, then set it up again", 20)) ==
             "run this:\nsudo loginctl enable-linger ann,\nthen set it up again\n");
  BOOST_TEST(joined(wrapped_hint("holdfast start lab", 5)) == "holdfast start lab\n");
  BOOST_TEST(joined(wrapped_hint("or add --run-as USER, who can read it", 12)) ==
             "or add\n--run-as USER,\nwho can read\nit\n");
}

BOOST_AUTO_TEST_CASE(a_table_that_fits_is_not_truncated) {
  const std::vector<Row> rows{{{Cell{"NAME"}, Cell{"STATE"}}}, {{Cell{"lab"}, Cell{"up"}}, {"a long reason why"}}};
  const auto whole = "NAME  STATE\nlab   up\n  a long reason why\n";
  BOOST_TEST(table(rows, {}) == whole);
  BOOST_TEST(table(rows, {.width = 80}) == whole);
}

BOOST_AUTO_TEST_CASE(a_narrow_terminal_truncates_the_widest_column) {
  const std::vector<Row> rows{{{Cell{"lab"}, Cell{"gate@bastion.example.com"}, Cell{"up"}}, {"a long reason why"}}};
  BOOST_TEST(table(rows, {.utf8 = true, .width = 18}) == "lab  gate@bas…  up\n  a long reason\n  why\n");
  for (const std::size_t width : {8U, 12U, 20U, 40U}) {
    const auto text = table(rows, {.utf8 = true, .width = width});
    BOOST_TEST(columns(text.substr(0, text.find('\n'))) <= width, text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
