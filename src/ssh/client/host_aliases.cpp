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
constexpr std::size_t k_deepest_include = 16;  // the limit of ssh: READCONF_MAX_DEPTH
constexpr std::size_t k_most_files = 256;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; }

/// The keyword and arguments of a line, separated by blanks or one `=`. Arguments in double quotes may contain blanks
/// (ssh_config(5)).
std::vector<std::string> split_line(std::string_view line) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < line.size()) {
    if (is_blank(line[at]) || (line[at] == '=' && parts.size() == 1)) {
      ++at;
      continue;
    }
    if (line[at] == '#') break;
    std::string part;
    bool quoted = false;
    for (; at < line.size(); ++at) {
      const bool ends = is_blank(line[at]) || (line[at] == '=' && parts.empty());
      if (ends && !quoted) break;
      if (line[at] == '"')
        quoted = !quoted;
      else
        part += line[at];
    }
    parts.push_back(std::move(part));
  }
  return parts;
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
      const auto parts = split_line(line);
      if (parts.empty()) continue;
      const bool names = equals_ignoring_case(parts.front(), "Host");
      const bool includes = equals_ignoring_case(parts.front(), "Include");
      for (std::size_t i = 1; i < parts.size(); ++i) {
        if (names && names_one_host(parts[i])) aliases_.insert(parts[i]);
        if (includes) include(parts[i], depth + 1);
      }
    }
  }

  [[nodiscard]] std::vector<std::string> take() { return {aliases_.begin(), aliases_.end()}; }

 private:
  /// Expands a pattern in the last component of the path only.
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
