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

BOOST_AUTO_TEST_CASE(plain_words_are_not_quoted) {
  BOOST_TEST(word("/home/ann/.local/bin/holdfast") == "/home/ann/.local/bin/holdfast");
  BOOST_TEST(word("--user") == "--user");
  BOOST_TEST(word("") == "''");
  BOOST_TEST(word("a b") == "'a b'");
  BOOST_TEST(word("it's 100%") == R"('it'\''s 100\%')");
}

BOOST_AUTO_TEST_CASE(a_word_passes_every_cron_and_the_shell_unchanged) {
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

BOOST_AUTO_TEST_CASE(random_words_pass_cron_and_shell_unchanged) {
  std::mt19937 random(7);
  constexpr std::string_view k_bytes = "\\%' \"$a";
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 9; left > 0; --left) text += k_bytes[random() % k_bytes.size()];
    for (const bool cronie : {false, true}) BOOST_REQUIRE(through_shell(through_cron(word(text), cronie)) == text);
  }
}

BOOST_AUTO_TEST_CASE(control_bytes_are_refused) {
  for (const char byte : {'\n', '\r', '\t', '\x1b', '\x7f'})
    BOOST_TEST(word(std::string("a") + byte + "* * * * * evil") == "refused: it contains a control byte");
  BOOST_TEST(word(std::string("a\0b", 3)) == "refused: it contains a control byte");
}

BOOST_AUTO_TEST_CASE(an_assignment_needs_a_variable_name) {
  BOOST_TEST(encode_crontab_assignment("PATH", "/usr/bin:/bin").value() == "PATH=/usr/bin:/bin");
  BOOST_TEST(encode_crontab_assignment("HOME", "/home/o'b %").value() == R"(HOME='/home/o'\''b \%')");
  BOOST_TEST(encode_crontab_assignment("XDG_CONFIG_HOME", "").value() == "XDG_CONFIG_HOME=");
  for (const char* key : {"", "1A", "A B", "A=B", "-i", "A;id"})
    BOOST_TEST(encode_crontab_assignment(key, "x").has_error(), key);
}

BOOST_AUTO_TEST_SUITE_END()
