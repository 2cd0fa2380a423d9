#include "ssh/mux/banner_reader.hpp"

#include "core/text.hpp"

namespace holdfast::ssh {
namespace {

constexpr std::size_t k_longest_banner = 8 * 1024;
constexpr std::size_t k_longest_software = 40;
constexpr std::string_view k_start = "SSH-";

}  // namespace

bool BannerReader::is_full() const noexcept { return received_.size() > k_longest_banner; }

std::size_t BannerReader::begin() const noexcept {
  if (received_.starts_with(k_start)) return 0;
  const auto at = received_.find("\nSSH-");
  return at == std::string::npos ? at : at + 1;
}

std::optional<std::string> BannerReader::software() const {
  const auto start = begin();
  if (start == std::string::npos) return std::nullopt;
  std::string_view line = std::string_view(received_).substr(start);
  const auto end = line.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  line = line.substr(0, end);
  const auto dash = line.find('-', k_start.size());
  if (dash == std::string_view::npos) return std::string();
  line.remove_prefix(dash + 1);
  return printable(line.substr(0, line.find_first_of(" \r")).substr(0, k_longest_software));
}

}  // namespace holdfast::ssh
