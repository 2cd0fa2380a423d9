// systemd reads from a unit exactly the values that were written: no value adds a line, a word, a variable or a
// specifier.
#include "backends/text/unit_text.hpp"

#include "core/text.hpp"

#include "target.hpp"

#include <optional>
#include <vector>

using namespace holdfast;
using namespace holdfast::backends;

namespace {

// Reads a line of words in double quotes as systemd does: systemd.syntax(7) "Quoting", systemd.unit(5) "Specifiers",
// systemd.service(5) "Command lines". Nothing when it contains anything but plain words.
std::optional<std::vector<std::string>> read_words(std::string_view line, bool dollar_expands) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    if (!words.empty() && line[at++] != ' ') return std::nullopt;
    if (at == line.size() || line[at++] != '"') return std::nullopt;
    std::string& word = words.emplace_back();
    for (;; ++at) {
      if (at == line.size()) return std::nullopt;
      const char c = line[at];
      if (c == '"') break;
      const bool doubled = c == '%' || (c == '$' && dollar_expands);
      if (doubled || c == '\\') {
        if (++at == line.size()) return std::nullopt;
        if (doubled ? line[at] != c : line[at] != '"' && line[at] != '\\') return std::nullopt;
      }
      word += line[at];
    }
    ++at;
  }
  return words;
}

void check_exec_line(const std::vector<std::string>& argv) {
  const auto line = encode_exec_line(argv);
  if (!line) {
    fuzz::promise(fuzz::is_one_safe_line(line.error().line()), "the error is one safe line");
    return;
  }
  fuzz::promise(fuzz::is_one_safe_line(*line), "a command stays one line");
  fuzz::promise(read_words(*line, true) == argv, "systemd reads the same words");
  // systemd does not expand variables in the path of the program, so "$$" would stay two characters.
  fuzz::promise(argv.front().find('$') == std::string::npos, "a program's path has no $");
}

void check_environment(const std::string& key, const std::string& value) {
  const auto assignment = encode_environment(key, value);
  if (!assignment) {
    fuzz::promise(fuzz::is_one_safe_line(assignment.error().line()), "the error is one safe line");
    return;
  }
  fuzz::promise(fuzz::is_one_safe_line(*assignment), "a variable stays one line");
  fuzz::promise(read_words(*assignment, false) == std::vector<std::string>{key + "=" + value},
                "systemd reads the same variable");
}

void check_names(std::string_view name) {
  // A line feed would begin a setting, a blank a word, and a glob would match other hosts.
  const auto is_plain = [](std::string_view text) {
    return text.find_first_of(" \t\r\n\"'\\%*?[]!|") == std::string_view::npos && fuzz::is_one_safe_line(text);
  };
  if (const auto user = encode_user(name)) fuzz::promise(*user == name && is_plain(*user), "a user is one plain word");
  if (const auto host = encode_host(name)) fuzz::promise(*host == name && is_plain(*host), "a host is one plain word");
}

}  // namespace

// The input is words with NUL between them; the first one becomes a path.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto words = split(fuzz::text_of(data, size), '\0');
  check_names(words.front());
  check_environment(words.front(), words.back());
  words.front().insert(0, "/");
  check_exec_line(words);
  return 0;
}
