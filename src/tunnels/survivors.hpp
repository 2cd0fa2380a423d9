// Processes that run although their runtime files are gone: the runtime directory was removed, or this process sees
// another /tmp. They are found in kept state, and supervisors also in /proc by their command line, user and
// configuration directory.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::tunnels {

/// Reads /proc once, when it is first asked.
class Survivors {
 public:
  Survivors(store::Paths paths, const os::Host& host) : paths_(std::move(paths)), host_(host) {}

  /// The supervisors of the tunnel that run on this host, of the same user and configuration: `PROGRAM run NAME`, and
  /// the one in kept state, whatever its command line is.
  [[nodiscard]] std::vector<os::ProcessId> of(const TunnelName& name);

 private:
  struct Found {
    std::string name;
    os::ProcessId process;
  };
  void search();
  [[nodiscard]] std::optional<std::string> name_run_by(pid_t pid) const;
  [[nodiscard]] bool has_our_configuration(pid_t pid) const;

  store::Paths paths_;
  const os::Host& host_;
  std::optional<std::vector<Found>> found_;
};

/// True when the tunnel has a file or a record here, or a supervisor of it runs: both may have been deleted by hand.
[[nodiscard]] bool is_present(const TunnelName& name, const store::Paths& paths, const os::Host& host);

/// Ends the supervisors of the tunnel that still run. An Error when one does not end. Returns their pids.
[[nodiscard]] Result<std::vector<pid_t>> end_survivors(const TunnelName& name, const store::Paths& paths,
                                                       os::Host& host);

/// The ssh in kept state that still runs.
[[nodiscard]] std::optional<os::ProcessId> surviving_ssh(const TunnelName& name, const store::Paths& paths,
                                                         const os::Host& host);

/// Ends the ssh (and autossh) in kept state, without their supervisor. True when there was one.
[[nodiscard]] Result<bool> end_surviving_ssh(const TunnelName& name, const store::Paths& paths, os::Host& host);

}  // namespace holdfast::tunnels
