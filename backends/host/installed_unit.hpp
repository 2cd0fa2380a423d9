// What systemd knows about the units of tunnels, and how their installation differs from what setup makes.
#pragma once

#include "backends/backend.hpp"
#include "backends/host/boot.hpp"
#include "backends/host/systemctl.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// How a manager keeps the units of tunnels.
struct UnitPlace {
  fs::path directory;         ///< of the unit files
  std::string template_name;  ///< "systemd-user.service"
  std::string target;         ///< the unit is enabled for it: "default.target"
};

/// Properties of `systemctl show`.
struct UnitProperties {
  std::string load;                 ///< LoadState
  std::string active;               ///< ActiveState
  std::string result;               ///< Result: "exit-code" when the program reported a failure
  std::string sub;                  ///< SubState
  std::string file_state;           ///< UnitFileState
  std::string exec_start;           ///< ExecStart: "{ path=/… ; argv[]=/… run … ; … }"
  std::string restart;              ///< Restart
  bool has_start_commands = false;  ///< ExecStartPre or ExecCondition
  std::vector<std::string> drop_ins;
  bool needs_reload = false;
  bool was_active = false;  ///< InactiveExitTimestampMonotonic: since the manager has known the unit
};
/// By unit name.
[[nodiscard]] std::map<std::string, UnitProperties> parse_units(std::string_view systemctl_show);

/// One answer for each job, from one `systemctl show`. `manager` is empty when none is running: then no job runs
/// either, and only files are checked.
[[nodiscard]] Result<std::vector<Registration>> query_units(const std::optional<Systemctl>& manager,
                                                            const UnitPlace& place, std::span<const Job> jobs,
                                                            const os::Host& host);

/// Adds a problem that keeps the manager from starting any unit at boot.
void add_boot_problem(std::vector<Registration>& answers, const BootProblem& problem);

}  // namespace holdfast::backends
