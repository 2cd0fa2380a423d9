// What is written into a unit means, to systemd, exactly what was given: no value adds a line, a word, a variable or a
// specifier of its own. A unit may be root's.
#include "backends/text/unit_text.hpp"

#include "core/text.hpp"

#include "target.hpp"

#include <optional>
#include <vector>

using namespace holdfast;
using namespace holdfast::backends;

namespace {

// As systemd reads a line of words in double quotes: systemd.syntax(7) "Quoting", systemd.unit(5) "Specifiers",
// systemd.service(5) "Command lines". Nothing when it would read anything but plain words.
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
  // The path of the program is taken before variables are: "$$" would stay two characters there.
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
  // A line feed would be a new setting, a blank a new word, a glob another host.
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
