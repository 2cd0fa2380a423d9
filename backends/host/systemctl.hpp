// One systemd manager, spoken to through systemctl(1): argument lists and the reading of its answers.
#pragma once

#include "backends/backend.hpp"
#include "os/host.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// A manager that can be reached: the machine's, or the user's own with the environment that its bus needs.
class Systemctl {
 public:
  [[nodiscard]] static Systemctl of_machine(const os::Host& host);
  [[nodiscard]] static Systemctl of_user(const os::Host& host, const fs::path& runtime_directory);

  /// systemctl [--user] ARGUMENTS…, never paging or asking for a password.
  [[nodiscard]] os::Command command(std::vector<std::string> arguments) const;
  /// systemd-run [--user] ARGUMENTS…
  [[nodiscard]] os::Command run_command(std::vector<std::string> arguments) const;
  [[nodiscard]] const os::Environment& environment() const noexcept { return environment_; }

 private:
  Systemctl(bool user, os::Environment environment) : user_(user), environment_(std::move(environment)) {}
  bool user_;
  os::Environment environment_;
};

/// The calling user's manager, by its sockets: $XDG_RUNTIME_DIR, or /run/user/UID when that is unset or empty of them
/// (cron, su). Nothing when no manager runs.
[[nodiscard]] std::optional<Systemctl> user_manager(const os::Host& host);

/// $XDG_CONFIG_HOME/systemd/user or ~/.config/systemd/user
[[nodiscard]] fs::path user_unit_directory(const os::Host& host);

[[nodiscard]] std::string unit_name(const TunnelName& name);  ///< holdfast-NAME.service

/// What `systemctl list-units --all --plain --no-legend` says of each holdfast unit: name to active and sub state.
struct UnitState {
  std::string active;
  std::string sub;
};
[[nodiscard]] std::map<std::string, UnitState> parse_units(std::string_view list_units);
/// The first column of `systemctl list-unit-files --no-legend`.
[[nodiscard]] std::vector<std::string> parse_unit_files(std::string_view list_unit_files);

/// One answer for each job, by one list-units; `manager` is nothing when none runs (then no job runs either).
[[nodiscard]] Result<std::vector<Registration>> query_units(const std::optional<Systemctl>& manager,
                                                            const fs::path& unit_directory, std::span<const Job> jobs,
                                                            const os::Host& host);

/// Plans that both managers share.
[[nodiscard]] Plan start_unit(const Systemctl& manager, const TunnelName& name);
[[nodiscard]] Plan stop_unit(const Systemctl& manager, const TunnelName& name);
[[nodiscard]] Plan restart_unit(const Systemctl& manager, const TunnelName& name);
/// Writes the unit, reloads, enables for `target` ("default.target").
[[nodiscard]] Plan install_unit(const Systemctl& manager, const TunnelName& name, const fs::path& unit_directory,
                                std::string unit_text, const std::string& target, const os::Host& host);
/// In any state: running, failed, about to restart, half removed, no manager.
[[nodiscard]] Plan remove_unit(const std::optional<Systemctl>& manager, const TunnelName& name,
                               const fs::path& unit_directory, const std::string& target);

}  // namespace holdfast::backends
