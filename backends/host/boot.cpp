#include "backends/host/boot.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace holdfast::backends {
namespace {

constexpr std::string_view k_services = "multi-user.target";
constexpr int k_deepest_target = 8;

/// The unit file, without drop-ins. systemd.unit(5): /etc comes first. /run is empty at boot.
std::optional<std::string> unit_text(std::string_view unit, const os::Host& host) {
  for (const char* directory :
       {"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}) {
    const auto file = fmt::format("{}/{}", directory, unit);
    if (host.status(file).kind == os::FileKind::missing) continue;
    auto text = host.read_file(file);
    return text ? std::optional(std::move(*text)) : std::nullopt;
  }
  return std::nullopt;
}

/// False also for a target whose file cannot be read.
bool pulls_in_services(const std::string& target_text, const os::Host& host, int depth) {
  for (const auto& line : split(target_text, '\n')) {
    const auto equals = line.find('=');
    const auto key = trim(std::string_view(line).substr(0, equals));
    if (equals == std::string::npos || (key != "Requires" && key != "Wants" && key != "BindsTo")) continue;
    for (const auto& unit : split_words(line.substr(equals + 1))) {
      if (unit == k_services) return true;
      if (depth == 0 || !unit.ends_with(".target")) continue;
      const auto text = unit_text(unit, host);
      if (text && pulls_in_services(*text, host, depth - 1)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<BootProblem> find_mask(std::string_view unit, const os::Host& host) {
  const auto file = fmt::format("/etc/systemd/system/{}", unit);
  const auto status = host.status(file);
  // A mask is a link to /dev/null, which is no file to read, or an empty file.
  const bool masked = (status.kind == os::FileKind::symlink && !host.read_file(file)) ||
                      (status.kind == os::FileKind::regular && status.size == 0);
  if (!masked) return std::nullopt;
  return BootProblem{fmt::format("{} is masked", unit), fmt::format("sudo systemctl unmask {}", unit)};
}

std::optional<BootProblem> find_default_target_problem(const os::Host& host) {
  const auto target = unit_text("default.target", host);
  const auto services = unit_text(k_services, host);
  if (!target || !services || *target == *services || pulls_in_services(*target, host, k_deepest_target))
    return std::nullopt;
  return BootProblem{"this machine's default target does not start multi-user.target",
                     "sudo systemctl set-default multi-user.target"};
}

std::optional<BootProblem> find_user_manager_problem(const os::User& user, const os::Host& host) {
  const std::array<std::string, 3> units{fmt::format("user@{}.service", user.uid), "user@.service",
                                         "systemd-logind.service"};
  for (const auto& unit : units)
    if (auto mask = find_mask(unit, host)) return mask;
  return find_default_target_problem(host);
}

}  // namespace holdfast::backends
