#include "ssh/client/host_aliases.hpp"

#include "core/destination.hpp"
#include "core/text.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <set>

namespace holdfast::ssh {
namespace {

namespace fs = os::fs;

constexpr std::size_t k_largest_file = 1 << 20;
constexpr std::size_t k_deepest_include = 16;  // ssh's own limit: READCONF_MAX_DEPTH
constexpr std::size_t k_most_files = 256;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; }

/// The words of a line: a keyword, `=` or blanks, arguments; one in double quotes may hold blanks (ssh_config(5)).
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < line.size()) {
    if (is_blank(line[at]) || (line[at] == '=' && words.size() == 1)) {
      ++at;
      continue;
    }
    if (line[at] == '#') break;
    std::string word;
    bool quoted = false;
    for (; at < line.size(); ++at) {
      const bool ends = is_blank(line[at]) || (line[at] == '=' && words.empty());
      if (ends && !quoted) break;
      if (line[at] == '"')
        quoted = !quoted;
      else
        word += line[at];
    }
    words.push_back(std::move(word));
  }
  return words;
}

bool names_one_host(const std::string& word) {
  return printable(word) == word && word.find_first_of(":@") == std::string::npos &&
         Destination::parse(word).has_value();
}

class Reader {
 public:
  Reader(const os::Host& host, fs::path home) : host_(host), home_(std::move(home)) {}

  void read(const fs::path& file, std::size_t depth) {
    if (depth > k_deepest_include || ++files_ > k_most_files) return;
    const auto text = host_.read_file(file, k_largest_file);
    if (!text) return;
    for (const auto& line : split(*text, '\n')) {
      const auto words = words_of(line);
      if (words.empty()) continue;
      const bool names = equals_ignoring_case(words.front(), "Host");
      const bool includes = equals_ignoring_case(words.front(), "Include");
      for (std::size_t i = 1; i < words.size(); ++i) {
        if (names && names_one_host(words[i])) aliases_.insert(words[i]);
        if (includes) include(words[i], depth + 1);
      }
    }
  }

  [[nodiscard]] std::vector<std::string> take() { return {aliases_.begin(), aliases_.end()}; }

 private:
  /// Patterns count in the last part of a path, where people have them.
  void include(const std::string& pattern, std::size_t depth) {
    fs::path path(pattern.starts_with("~/") ? (home_ / pattern.substr(2)) : fs::path(pattern));
    if (path.is_relative()) path = home_ / ".ssh" / path;
    const auto last = path.filename().native();
    if (last.find_first_of("*?[") == std::string::npos) return read(path, depth);
    for (const auto& name : host_.list(path.parent_path()))
      if (::fnmatch(last.c_str(), name.c_str(), FNM_PERIOD) == 0) read(path.parent_path() / name, depth);
  }

  const os::Host& host_;
  fs::path home_;
  std::size_t files_ = 0;
  std::set<std::string> aliases_;
};

}  // namespace

std::vector<std::string> host_aliases(const os::Host& host, const fs::path& home) {
  if (home.empty()) return {};
  Reader reader(host, home);
  reader.read(home / ".ssh" / "config", 0);
  return reader.take();
}

}  // namespace holdfast::ssh
