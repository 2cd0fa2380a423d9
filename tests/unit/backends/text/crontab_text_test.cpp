// Encoding for crontab lines: cron and the shell decode it to the original.
#include "backends/text/crontab_text.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace holdfast;
using namespace holdfast::backends;

namespace {

std::string word(std::string_view text) {
  const auto encoded = encode_crontab_word(text);
  return encoded ? *encoded : "refused: " + encoded.error().cause;
}

/// The command that cron(8) passes to the shell. Debian's do_command.c turns two backslashes into one; cronie does not.
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

/// Decodes one word as sh(1) does: single quotes, and backslashes outside of them.
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

BOOST_AUTO_TEST_CASE(quotes_only_words_that_need_it) {
  BOOST_TEST(word("/home/ann/.local/bin/holdfast") == "/home/ann/.local/bin/holdfast");
  BOOST_TEST(word("--user") == "--user");
  BOOST_TEST(word("") == "''");
  BOOST_TEST(word("a b") == "'a b'");
  BOOST_TEST(word("it's 100%") == R"('it'\''s 100\%')");
}

BOOST_AUTO_TEST_CASE(cron_and_shell_decode_each_word_to_the_original) {
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

BOOST_AUTO_TEST_CASE(cron_and_shell_decode_random_words_to_the_original) {
  std::mt19937 random(7);
  constexpr std::string_view k_bytes = "\\%' \"$a";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 9; left > 0; --left) text += k_bytes[random() % k_bytes.size()];
    for (const bool cronie : {false, true}) BOOST_REQUIRE(through_shell(through_cron(word(text), cronie)) == text);
  }
}

BOOST_AUTO_TEST_CASE(tunnels_with_the_same_command_share_one_block) {
  const auto lines = [](const std::string& names, const std::string& program = "holdfast") {
    return "# ours\nHOME=/\n* * * * * " + program + " ensure --user " + names + "\nHOME=/home/a\n";
  };
  const auto block = [](const std::string& label, const std::string& text) {
    return "# >>> holdfast " + label + " >>>\n" + text + "# <<< holdfast " + label + " <<<\n";
  };
  const std::string theirs = "0 4 * * * true\n# >>> holdfast a >>> is no marker\n";
  auto text = with_crontab_lines(theirs, "a", lines("a"));
  BOOST_TEST(text == theirs + block("a", lines("a")));
  text = with_crontab_lines(text, "b.c", lines("b.c"));
  text = with_crontab_lines(text, "d", lines("d"));
  BOOST_TEST(text == theirs + block("a b.c d", lines("a b.c d")));
  for (const char* name : {"a", "b.c", "d"}) BOOST_TEST(crontab_lines_of(text, name).value() == lines(name));
  for (const char* name : {"b", "c", "b.c d", ""}) BOOST_TEST(!crontab_lines_of(text, name));
  BOOST_TEST(with_crontab_lines(text, "d", lines("d")) == text);
  // Another program, or another environment, has a block of its own.
  const auto two = with_crontab_lines(text, "d", lines("d", "/opt/holdfast"));
  BOOST_TEST(two == theirs + block("a b.c", lines("a b.c")) + block("d", lines("d", "/opt/holdfast")));
  text = with_crontab_lines(text, "b.c", {});
  BOOST_TEST(text == theirs + block("a d", lines("a d")));
  text = with_crontab_lines(with_crontab_lines(text, "a", {}), "d", {});
  BOOST_TEST(text == theirs);
}

BOOST_AUTO_TEST_CASE(a_command_never_gets_longer_than_cron_allows) {
  std::string text;
  for (int number = 1000; number < 1400; ++number) {
    const auto name = std::to_string(number);
    text = with_crontab_lines(text, name, "* * * * * holdfast ensure --user " + name + "\n");
  }
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    if (text[at] == '*') BOOST_TEST(text.find('\n', at) - at <= k_longest_crontab_command);
  for (int number = 1000; number < 1400; ++number)
    BOOST_TEST(crontab_lines_of(text, std::to_string(number)).has_value());
  for (int number = 1000; number < 1400; ++number) text = with_crontab_lines(text, std::to_string(number), {});
  BOOST_TEST(text.empty());
}

BOOST_AUTO_TEST_CASE(a_crontab_without_a_last_line_break_is_restored) {
  const std::string theirs = "0 4 * * * true";
  auto text = with_crontab_lines(theirs, "a", "* * * * * x a\n");
  text = with_crontab_lines(text, "b", "* * * * * x b\n");
  text = with_crontab_lines(text, "a", {});
  BOOST_TEST(with_crontab_lines(text, "b", {}) == theirs);
}

BOOST_AUTO_TEST_CASE(refuses_control_bytes) {
  for (const char byte : {'\n', '\r', '\t', '\x1b', '\x7f'})
    BOOST_TEST(word(std::string("a") + byte + "* * * * * evil") == "refused: it contains a control byte");
  BOOST_TEST(word(std::string("a\0b", 3)) == "refused: it contains a control byte");
}

BOOST_AUTO_TEST_CASE(refuses_an_assignment_without_a_valid_name) {
  BOOST_TEST(encode_crontab_assignment("PATH", "/usr/bin:/bin").value() == "PATH=/usr/bin:/bin");
  BOOST_TEST(encode_crontab_assignment("HOME", "/home/o'b %").value() == R"(HOME='/home/o'\''b \%')");
  BOOST_TEST(encode_crontab_assignment("XDG_CONFIG_HOME", "").value() == "XDG_CONFIG_HOME=");
  for (const char* key : {"", "1A", "A B", "A=B", "-i", "A;id"})
    BOOST_TEST(encode_crontab_assignment(key, "x").has_error(), key);
}

BOOST_AUTO_TEST_SUITE_END()
