// A systemd manager, driven through systemctl(1): argument lists, and parsers of its output.
#pragma once

#include "backends/backend.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// True when systemd is PID 1: sd_booted(3).
[[nodiscard]] bool is_booted_with_systemd(const os::Host& host);

/// The system manager, or a user manager with the environment that its bus needs.
class Systemctl {
 public:
  [[nodiscard]] static Systemctl of_machine(const os::Host& host);
  [[nodiscard]] static Systemctl of_user(const os::Host& host, const fs::path& runtime_directory);

  /// systemctl [--user] ARGUMENTS…
  [[nodiscard]] os::Command command(std::vector<std::string> arguments) const;
  /// systemd-run [--user] ARGUMENTS…
  [[nodiscard]] os::Command run_command(std::vector<std::string> arguments) const;
  [[nodiscard]] const os::Environment& environment() const noexcept { return environment_; }

 private:
  Systemctl(bool user, os::Environment environment) : user_(user), environment_(std::move(environment)) {}
  bool user_;
  os::Environment environment_;
};

/// The calling user's manager, found by its socket in $XDG_RUNTIME_DIR or, as under cron and su, in /run/user/UID.
/// Empty when none is running.
[[nodiscard]] std::optional<Systemctl> user_manager(const os::Host& host);

/// Where the user manager reads the user's units, whatever our XDG_CONFIG_HOME is; ~/.config/systemd/user without one.
[[nodiscard]] fs::path user_unit_directory(const os::Host& host);

[[nodiscard]] std::string unit_name(const TunnelName& name);  ///< holdfast-NAME.service

/// The first column of `systemctl list-unit-files --no-legend`.
[[nodiscard]] std::vector<std::string> parse_unit_files(std::string_view list_unit_files);

// Plans for either manager.
[[nodiscard]] Plan reload_manager(const Systemctl& manager);
[[nodiscard]] Plan start_unit(const Systemctl& manager, const TunnelName& name);
[[nodiscard]] Plan stop_unit(const Systemctl& manager, const TunnelName& name);
[[nodiscard]] Plan restart_unit(const Systemctl& manager, const TunnelName& name);
/// Writes the unit file, reloads the manager and enables the unit for `target` ("default.target"). Unmasks it, and
/// takes ExecStart= out of the drop-ins in `unit_directory`.
[[nodiscard]] Plan install_unit(const Systemctl& manager, const TunnelName& name, const fs::path& unit_directory,
                                std::string unit_text, const std::string& target, const os::Host& host);
/// Works in any state: running, failed, waiting to restart, half removed, or without a manager.
[[nodiscard]] Plan remove_unit(const std::optional<Systemctl>& manager, const TunnelName& name,
                               const fs::path& unit_directory, const std::string& target);

}  // namespace holdfast::backends
