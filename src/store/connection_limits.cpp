#include "store/connection_limits.hpp"

#include "core/text.hpp"
#include "store/last_connection.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

#include <limits>

namespace holdfast::store {
namespace {

constexpr std::size_t k_largest = 4096;
constexpr std::size_t k_most = 16;

}  // namespace

fs::path connection_limits_file(const Paths& paths, const TunnelName& name) { return paths.state_file(name, "limit"); }

std::string format_connection_limits(const ConnectionLimits& limits) {
  std::string text;
  for (const auto& [bastion, time] : limits)
    text += fmt::format("{} {} {}\n", bastion.host, bastion.port,
                        std::chrono::ceil<std::chrono::seconds>(time.time_since_epoch()).count());
  return text;
}

ConnectionLimits parse_connection_limits(std::string_view text) {
  ConnectionLimits limits;
  if (text.size() > k_largest || !text.ends_with('\n')) return limits;
  for (const std::string& line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() != 3 || limits.size() == k_most) continue;
    const auto bastion = parse_numeric_end(fields[0], fields[1]);
    const auto seconds = parse_number(fields[2], 0, std::numeric_limits<std::uint32_t>::max());
    if (bastion && seconds) limits.push_back({*bastion, WallTime(std::chrono::seconds(*seconds))});
  }
  return limits;
}

ConnectionLimits read_connection_limits(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const auto text = host.read_file(connection_limits_file(paths, name), k_largest);
  return text ? parse_connection_limits(*text) : ConnectionLimits{};
}

Result<> keep_connection_limit(os::Host& host, const Paths& paths, const TunnelName& name, const TcpEnd& bastion,
                               std::optional<WallTime> no_login_before) {
  auto limits = read_connection_limits(host, paths, name);
  std::erase_if(limits, [&](const ConnectionLimit& one) { return one.bastion == bastion; });
  if (no_login_before) limits.insert(limits.begin(), {bastion, *no_login_before});
  if (limits.size() > k_most) limits.resize(k_most);
  const fs::path file = connection_limits_file(paths, name);
  if (limits.empty()) return host.remove_file(file);
  return host.write_file(file, format_connection_limits(limits), k_private_mode);
}

}  // namespace holdfast::store
