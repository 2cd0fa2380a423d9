// A marked block in a foreign text: every other byte stays.
#include "backends/text/marked_block.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>

using namespace holdfast::backends;

namespace {

const std::string k_web = "web";
const std::string k_lines = "one\ntwo\n";
const std::string k_block = "# >>> holdfast web >>>\n" + k_lines + "# <<< holdfast web <<<\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(marked_block)

BOOST_AUTO_TEST_CASE(a_block_is_appended_and_replaced_in_place) {
  BOOST_TEST(with_block("", k_web, k_lines) == k_block);
  BOOST_TEST(with_block("5 5 5 5 5 x\n", k_web, k_lines) == "5 5 5 5 5 x\n" + k_block);
  BOOST_TEST(with_block("a\n" + k_block + "b\n", k_web, "new\n") ==
             "a\n# >>> holdfast web >>>\nnew\n# <<< holdfast web <<<\nb\n");
  BOOST_TEST(with_block(k_block + "b\n" + k_block, k_web, k_lines) == k_block + "b\n");
  BOOST_TEST(block_of("a\n" + k_block, k_web).value() == k_lines);
  BOOST_TEST(!block_of("a\n", k_web).has_value());
}

BOOST_AUTO_TEST_CASE(a_missing_last_line_break_is_restored) {
  const auto edited = with_block("a\nb", k_web, k_lines);
  BOOST_TEST(edited.starts_with("a\nb\n# >>> holdfast web >>>\n"));
  BOOST_TEST(block_of(edited, k_web).value() == k_lines);
  BOOST_TEST(with_block(edited, k_web, k_lines) == edited);
  BOOST_TEST(without_block(edited, k_web) == "a\nb");
  // Lines added below the block stay separate.
  BOOST_TEST(without_block(edited + "c\n", k_web) == "a\nb\nc\n");
}

BOOST_AUTO_TEST_CASE(foreign_and_unpaired_markers_are_text) {
  const std::string other = "web2";
  for (const std::string text :
       {"# >>> holdfast web >>>\n1 1 1 1 1 theirs\n", "# <<< holdfast web <<<\n", " # >>> holdfast web >>>\nx\n",
        "# >>> holdfast web2 >>>\n", "# >>> holdfast web >>>", "# <<< holdfast web <<<\n# >>> holdfast web >>>\n"}) {
    BOOST_TEST(!block_of(text, k_web).has_value(), text);
    BOOST_TEST(without_block(text, k_web) == text);
    BOOST_TEST(without_block(with_block(text, k_web, k_lines), k_web) == text);
  }
  const auto both = with_block(with_block("", k_web, "1\n"), other, "2\n");
  BOOST_TEST(without_block(both, k_web) == with_block("", other, "2\n"));
  BOOST_TEST(block_of(both, other).value() == "2\n");
}

BOOST_AUTO_TEST_CASE(markers_with_crlf_are_recognized) {
  BOOST_TEST(without_block("a\r\n# >>> holdfast web >>>\r\nx\r\n# <<< holdfast web <<<\r\nb\r\n", k_web) ==
             "a\r\nb\r\n");
}

BOOST_AUTO_TEST_CASE(removing_a_block_restores_the_exact_text) {
  constexpr std::array<std::string_view, 9> k_pieces{"# >>> holdfast web >>>",
                                                     "# <<< holdfast other <<<",
                                                     "export A=1",
                                                     "\r",
                                                     "\n",
                                                     "\n\n",
                                                     std::string_view("\0", 1),
                                                     "# The line above had no line break.\n",
                                                     "\xff%"};
  std::mt19937 random(11);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 12; left > 0; --left) text += k_pieces[random() % k_pieces.size()];
    const auto edited = with_block(text, k_web, k_lines);
    BOOST_REQUIRE(edited.starts_with(text));
    BOOST_REQUIRE(block_of(edited, k_web) == k_lines);
    BOOST_REQUIRE(with_block(edited, k_web, k_lines) == edited);
    BOOST_REQUIRE(without_block(edited, k_web) == text);
  }
}

BOOST_AUTO_TEST_CASE(a_text_of_many_lines_is_edited_quickly) {
  std::string text;
  for (int line = 0; line < 100'000; ++line) text += "# >>> holdfast web >>>\n";
  BOOST_TEST((without_block(with_block(text, k_web, k_lines), k_web) == text));
}

BOOST_AUTO_TEST_CASE(a_file_created_for_the_block_is_recognized) {
  for (const std::size_t directories : {0U, 2U}) {
    const auto text = block_alone(k_web, k_lines, directories);
    BOOST_TEST(block_of(text, k_web).value() == k_lines);
    BOOST_TEST(made_for_block(text, k_web).value() == directories);
    BOOST_TEST(made_for_block(with_block(text, k_web, "new\n"), k_web).value() == directories);
    BOOST_TEST(!made_for_block(text + "mine\n", k_web).has_value());
    BOOST_TEST(without_block(text + "mine\n", k_web) == "mine\n");
  }
  BOOST_TEST(!made_for_block(with_block("", k_web, k_lines), k_web).has_value());
  BOOST_TEST(!made_for_block("", k_web).has_value());
}

BOOST_AUTO_TEST_CASE(an_invalid_note_is_an_ordinary_line) {
  for (const char* number : {"", "-1", "9", "99999999999999999999", "1 2", "x"}) {
    const auto lines = std::string("# This file was made by holdfast, with this many directories: ") + number + "\n";
    BOOST_TEST(!made_for_block(marked(k_web, lines), k_web).has_value(), number);
    BOOST_TEST(block_of(marked(k_web, lines), k_web).value() == lines);
  }
}

BOOST_AUTO_TEST_CASE(a_marker_without_its_counterpart_is_found) {
  const std::string open = "# >>> holdfast web >>>\n";
  const std::string close = "# <<< holdfast web <<<\n";
  BOOST_TEST(!find_stray_marker("a\n" + k_block + k_block, k_web).has_value());
  BOOST_TEST(!find_stray_marker("# >>> holdfast web2 >>>\n", k_web).has_value());
  BOOST_TEST(find_stray_marker("a\n" + open + "b\n", k_web).value() == 2U);
  BOOST_TEST(find_stray_marker("a\nb\n" + close, k_web).value() == 3U);
  BOOST_TEST(find_stray_marker(open + k_block, k_web).value() == 1U);
  BOOST_TEST(find_stray_marker(k_block + close + open, k_web).value() == 5U);
  BOOST_TEST(find_stray_marker("a\n# >>> holdfast web >>>", k_web).value() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
