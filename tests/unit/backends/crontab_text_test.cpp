// A crontab is a person's text: what is put between our markers, and that every other byte stays.
#include "backends/crontab_text.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>

using namespace holdfast;
using namespace holdfast::backends;

namespace {

const TunnelName k_web = TunnelName::parse("web").value();
const std::string k_lines = "@reboot true\n* * * * * true\n";
const std::string k_block = "# >>> holdfast web >>>\n" + k_lines + "# <<< holdfast web <<<\n";

std::string word(std::string_view text) {
  const auto encoded = encode_crontab_word(text);
  return encoded ? *encoded : "refused: " + encoded.error().cause;
}

/// The command as cron(8) hands it to the shell: Debian's do_command.c, which also makes one of two backslashes; with
/// `cronie` it leaves those alone.
std::string through_cron(std::string_view line, bool cronie) {
  std::string out;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char next = at + 1 < line.size() ? line[at + 1] : '\0';
    if (line[at] == '%') return out + "<input>";
    if (line[at] != '\\') {
      out += line[at];
      continue;
    }
    ++at;
    if (next == '%' || (next == '\\' && !cronie))
      out += next;
    else
      out += std::string("\\") + next;
  }
  return out;
}

/// One word as sh(1) takes it: quotes of both kinds, backslashes outside of them.
std::string through_shell(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      out += text[++at];
    } else if (text[at] == '\'') {
      for (++at; text[at] != '\''; ++at) out += text[at];
    } else {
      BOOST_TEST(std::string_view(" \"$`!*?[]{}();&|<>~#").find(text[at]) == std::string_view::npos, text);
      out += text[at];
    }
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crontab_text)

BOOST_AUTO_TEST_CASE(plain_words_stay_readable) {
  BOOST_TEST(word("/home/ann/.local/bin/holdfast") == "/home/ann/.local/bin/holdfast");
  BOOST_TEST(word("--user") == "--user");
  BOOST_TEST(word("") == "''");
  BOOST_TEST(word("a b") == "'a b'");
  BOOST_TEST(word("it's 100%") == R"('it'\''s 100\%')");
}

BOOST_AUTO_TEST_CASE(a_word_comes_through_every_cron_and_the_shell_as_it_was) {
  for (const std::string text : {"%",         "%%",
                                 "\\",        "\\\\",
                                 "\\%",       "%\\",
                                 "'",         "''",
                                 "\\'",       "'\\",
                                 "a b",       "$HOME `id` $(id)",
                                 "\"",        "!!",
                                 "~",         "*",
                                 "#x",        "a=b",
                                 ";&|<>",     "\xc3\xa4",
                                 "\xff",      "\\\\%\\%'\\\\'%",
                                 "end\\",     "-n",
                                 "x\\\\\\\\%"}) {
    for (const bool cronie : {false, true})
      BOOST_TEST(through_shell(through_cron(word(text), cronie)) == text, text << " as " << word(text));
  }
}

BOOST_AUTO_TEST_CASE(random_words_come_through) {
  std::mt19937 random(7);
  constexpr std::string_view k_bytes = "\\%' \"$a";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 9; left > 0; --left) text += k_bytes[random() % k_bytes.size()];
    for (const bool cronie : {false, true}) BOOST_REQUIRE(through_shell(through_cron(word(text), cronie)) == text);
  }
}

BOOST_AUTO_TEST_CASE(what_would_be_a_line_of_its_own_is_refused) {
  for (const char byte : {'\n', '\r', '\t', '\x1b', '\x7f'})
    BOOST_TEST(word(std::string("a") + byte + "* * * * * evil") == "refused: it holds a control byte");
  BOOST_TEST(word(std::string("a\0b", 3)) == "refused: it holds a control byte");
}

BOOST_AUTO_TEST_CASE(assignments_have_a_variables_name) {
  BOOST_TEST(encode_crontab_assignment("PATH", "/usr/bin:/bin").value() == "PATH=/usr/bin:/bin");
  BOOST_TEST(encode_crontab_assignment("HOME", "/home/o'b %").value() == R"(HOME='/home/o'\''b \%')");
  BOOST_TEST(encode_crontab_assignment("XDG_CONFIG_HOME", "").value() == "XDG_CONFIG_HOME=");
  for (const char* key : {"", "1A", "A B", "A=B", "-i", "A;id"})
    BOOST_TEST(encode_crontab_assignment(key, "x").has_error(), key);
}

BOOST_AUTO_TEST_CASE(a_block_stands_at_the_end_and_is_replaced_where_it_stands) {
  BOOST_TEST(with_block("", k_web, k_lines) == k_block);
  BOOST_TEST(with_block("5 5 5 5 5 x\n", k_web, k_lines) == "5 5 5 5 5 x\n" + k_block);
  BOOST_TEST(with_block("a\n" + k_block + "b\n", k_web, "new\n") ==
             "a\n# >>> holdfast web >>>\nnew\n# <<< holdfast web <<<\nb\n");
  BOOST_TEST(with_block(k_block + "b\n" + k_block, k_web, k_lines) == k_block + "b\n");
  BOOST_TEST(block_of("a\n" + k_block, k_web).value() == k_lines);
  BOOST_TEST(!block_of("a\n", k_web).has_value());
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_is_given_back_without) {
  const auto edited = with_block("a\nb", k_web, k_lines);
  BOOST_TEST(edited.starts_with("a\nb\n# >>> holdfast web >>>\n"));
  BOOST_TEST(block_of(edited, k_web).value() == k_lines);
  BOOST_TEST(with_block(edited, k_web, k_lines) == edited);
  BOOST_TEST(without_block(edited, k_web) == "a\nb");
  // What was added below keeps its line.
  BOOST_TEST(without_block(edited + "c\n", k_web) == "a\nb\nc\n");
}

BOOST_AUTO_TEST_CASE(foreign_and_half_open_markers_are_text) {
  const auto other = TunnelName::parse("web2").value();
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

BOOST_AUTO_TEST_CASE(an_editor_that_writes_crlf_does_not_hide_the_block) {
  BOOST_TEST(without_block("a\r\n# >>> holdfast web >>>\r\nx\r\n# <<< holdfast web <<<\r\nb\r\n", k_web) ==
             "a\r\nb\r\n");
}

BOOST_AUTO_TEST_CASE(what_is_added_is_taken_away_to_the_byte) {
  constexpr std::array<std::string_view, 9> k_pieces{"# >>> holdfast web >>>",
                                                     "# <<< holdfast other <<<",
                                                     "* * * * * true",
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

BOOST_AUTO_TEST_CASE(a_crontab_of_many_lines_is_edited_in_no_time) {
  std::string text;
  for (int line = 0; line < 100'000; ++line) text += "# >>> holdfast web >>>\n";
  BOOST_TEST((without_block(with_block(text, k_web, k_lines), k_web) == text));
}

BOOST_AUTO_TEST_SUITE_END()
