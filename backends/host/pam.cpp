#include "backends/host/pam.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <vector>

namespace holdfast::backends {
namespace {

namespace fs = boost::filesystem;

constexpr int k_deepest_include = 8;

std::vector<std::string> words(std::string_view line) {
  std::string text(line.substr(0, line.find('#')));
  std::ranges::replace(text, '\t', ' ');
  std::vector<std::string> out;
  for (auto& word : split(text, ' '))
    if (!word.empty()) out.push_back(std::move(word));
  return out;
}

bool reaches_logind(const std::string& file, const os::Host& host, int depth) {
  if (depth > k_deepest_include || file.find('/') != std::string::npos) return false;
  // Vendors put theirs into /usr/lib/pam.d, which /etc/pam.d hides.
  auto text = host.read_file(fs::path("/etc/pam.d") / file);
  if (!text) text = host.read_file(fs::path("/usr/lib/pam.d") / file);
  if (!text) return false;
  for (const auto& line : split(*text, '\n')) {
    const auto word = words(line);
    if (word.size() == 2 && word[0] == "@include" && reaches_logind(word[1], host, depth + 1)) return true;
    if (word.size() < 3 || (word[0] != "session" && word[0] != "-session")) continue;
    if (std::ranges::any_of(word, [](const std::string& w) { return w.ends_with("pam_systemd.so"); })) return true;
    if ((word[1] == "include" || word[1] == "substack") && reaches_logind(word[2], host, depth + 1)) return true;
  }
  return false;
}

}  // namespace

bool opens_logind_session(const std::string& service, const os::Host& host) { return reaches_logind(service, host, 0); }

}  // namespace holdfast::backends
