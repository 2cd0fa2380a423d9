#include "store/known_crowds.hpp"

#include "core/text.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

#include <limits>

namespace holdfast::store {
namespace {

constexpr std::size_t k_largest = 16 * 1024;
constexpr std::size_t k_longest_name = 512;
constexpr std::size_t k_most = 16;

}  // namespace

fs::path known_crowds_file(const Paths& paths, const TunnelName& name) { return paths.state_file(name, "crowd"); }

std::string format_known_crowds(const KnownCrowds& crowds) {
  std::string text;
  for (const auto& [bastion, time] : crowds)
    text += fmt::format("{} {}\n", std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(), bastion);
  return text;
}

KnownCrowds parse_known_crowds(std::string_view text) {
  KnownCrowds crowds;
  if (text.size() > k_largest || !text.ends_with('\n')) return crowds;
  for (const std::string& line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() != 2 || crowds.size() == k_most) continue;
    const auto seconds = parse_number(fields[0], 0, std::numeric_limits<std::uint32_t>::max());
    const std::string& bastion = fields[1];
    if (!seconds || bastion.empty() || bastion.size() > k_longest_name || has_control_bytes(bastion)) continue;
    crowds.push_back({bastion, WallTime(std::chrono::seconds(*seconds))});
  }
  return crowds;
}

KnownCrowds read_known_crowds(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const auto text = host.read_file(known_crowds_file(paths, name), k_largest);
  return text ? parse_known_crowds(*text) : KnownCrowds{};
}

Result<> keep_known_crowd(os::Host& host, const Paths& paths, const TunnelName& name, const std::string& bastion,
                          WallTime dropped_at) {
  auto crowds = read_known_crowds(host, paths, name);
  std::erase_if(crowds, [&](const KnownCrowd& one) { return one.bastion == bastion; });
  crowds.insert(crowds.begin(), {bastion, dropped_at});
  if (crowds.size() > k_most) crowds.resize(k_most);
  return host.write_file(known_crowds_file(paths, name), format_known_crowds(crowds), k_private_mode);
}

}  // namespace holdfast::store
