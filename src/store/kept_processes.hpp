// The processes of a tunnel, kept in its state directory: the runtime directory with the live state may vanish, or be
// another one for another process of this user (a private /tmp).
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::store {

struct KeptProcesses {
  os::ProcessId supervisor;
  fs::path runtime_dir;  ///< as the supervisor uses it
  std::optional<os::ProcessId> ssh = {};
  std::optional<os::ProcessId> autossh = {};
  bool operator==(const KeptProcesses&) const = default;
};

/// paths.state_file(name, "processes")
[[nodiscard]] fs::path processes_file(const Paths& paths, const TunnelName& name);

[[nodiscard]] std::string format_kept_processes(const KeptProcesses& kept);
/// Nothing for an invalid text.
[[nodiscard]] std::optional<KeptProcesses> parse_kept_processes(std::string_view text);

/// What the last supervisor on this host kept, without processes that are gone: a process of another boot or with
/// another start time, or of another user than the one that the tunnel runs as. Nothing when there is no such file.
struct LivingProcesses {
  std::optional<os::ProcessId> supervisor;
  std::optional<os::ProcessId> ssh;
  std::optional<os::ProcessId> autossh;
  fs::path runtime_dir;
};
[[nodiscard]] std::optional<LivingProcesses> read_living_processes(const os::Host& host, const Paths& paths,
                                                                   const TunnelName& name);
[[nodiscard]] Result<> keep_processes(os::Host& host, const Paths& paths, const TunnelName& name,
                                      const KeptProcesses& kept);

}  // namespace holdfast::store
