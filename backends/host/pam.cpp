#include "backends/host/pam.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <vector>

namespace holdfast::backends {
namespace {

namespace fs = boost::filesystem;

constexpr int k_deepest_include = 8;

bool reaches_logind(const std::string& file, const os::Host& host, int depth) {
  if (depth > k_deepest_include || file.find('/') != std::string::npos) return false;
  // A file in /etc/pam.d replaces the vendor's in /usr/lib/pam.d.
  auto text = host.read_file(fs::path("/etc/pam.d") / file);
  if (!text) text = host.read_file(fs::path("/usr/lib/pam.d") / file);
  if (!text) return false;
  for (const auto& line : split(*text, '\n')) {
    const auto words = split_words(std::string_view(line).substr(0, line.find('#')));
    if (words.size() == 2 && words[0] == "@include" && reaches_logind(words[1], host, depth + 1)) return true;
    if (words.size() < 3 || (words[0] != "session" && words[0] != "-session")) continue;
    if (std::ranges::any_of(words, [](const std::string& word) { return word.ends_with("pam_systemd.so"); }))
      return true;
    if ((words[1] == "include" || words[1] == "substack") && reaches_logind(words[2], host, depth + 1)) return true;
  }
  return false;
}

}  // namespace

bool opens_logind_session(const std::string& service, const os::Host& host) { return reaches_logind(service, host, 0); }

}  // namespace holdfast::backends
