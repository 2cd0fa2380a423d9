// What is true of tunnels now: from their files, their backends and their supervisors' own word.
#pragma once

#include "core/survives.hpp"
#include "os/host.hpp"
#include "store/availability.hpp"
#include "store/history.hpp"
#include "store/live_state.hpp"
#include "store/paths.hpp"
#include "store/tunnel_store.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::tunnels {

/// What is known of a tunnel's last day and last week.
struct UptimeSummary {
  store::Availability day;
  store::Availability week;
};

/// One tunnel as `status` shows it. What is not known is empty; JSON says null.
struct TunnelStatus {
  struct Forward {
    std::string listen;
    std::string target;
    std::optional<store::ForwardState> state;
  };
  struct Backend {
    std::optional<std::string> name;
    std::optional<bool> installed;
    std::optional<bool> running;
    std::optional<Survives> survives;
  };
  struct Failure {
    Diagnosis diagnosis;
    std::optional<WallTime> at;
  };

  std::string name;
  std::optional<store::TunnelState> state;
  std::optional<bool> verified;
  std::optional<WallTime> since;
  std::optional<std::string> host;
  std::optional<std::string> bastion;  ///< of several the one in use
  std::vector<std::string> bastions;   ///< all, the first choice first; empty: not known
  std::optional<std::string> engine;
  std::vector<Forward> forwards;
  Backend backend;
  std::optional<pid_t> supervisor_pid;
  std::optional<pid_t> ssh_pid;
  std::optional<double> rtt_ms;
  std::optional<std::uint64_t> reconnects;
  std::optional<WallTime> next_attempt;
  std::optional<Failure> last_error;

  /// What this host allows by now that is stronger than what holds the tunnel: a name, and what that survives.
  struct Stronger {
    std::string name;
    Survives survives;
  };
  std::optional<Stronger> stronger;  ///< text only; looked for when a person asks about one tunnel

  std::optional<std::vector<std::string>>
      hook_files;  ///< where it relies on the login hook: what holds that; text only

  std::optional<UptimeSummary> uptime_summary;  ///< drawn, and in JSON, of a tunnel that was asked for by name

  bool elsewhere = false;  ///< it belongs to another host, of which nothing can be seen from here
  bool renamed = false;    ///< it belongs to a host whose machine id this one has: last_error says what to do

  [[nodiscard]] bool is_up() const noexcept { return state == store::TunnelState::up; }
  /// Another host has the port, and as far as can be seen from here that host is well.
  [[nodiscard]] bool is_well_standing_by() const noexcept {
    return state == store::TunnelState::standby && !last_error;
  }
};

/// The truth of each entry, in order; one outside command for all tunnels of a backend. `warnings` gets a line for what
/// could not be found out.
[[nodiscard]] std::vector<TunnelStatus> gather_status(const std::vector<store::Entry>& entries,
                                                      const store::Paths& paths, const os::Host& host,
                                                      std::vector<std::string>& warnings);

/// The same, looked at again and again.
class StatusReader {
 public:
  StatusReader(store::Paths paths, const os::Host& host);
  ~StatusReader();
  StatusReader(const StatusReader&) = delete;
  StatusReader& operator=(const StatusReader&) = delete;

  /// As gather_status().
  [[nodiscard]] std::vector<TunnelStatus> read(const std::vector<store::Entry>& entries,
                                               std::vector<std::string>& warnings);
  /// What read() gave, brought up to what supervisors say of themselves now: no command is run, and what the backends
  /// and the files of tunnels say is as it was read.
  void refresh(std::vector<TunnelStatus>& statuses) const;

 private:
  struct Known;
  store::Paths paths_;
  const os::Host& host_;
  std::vector<Known> known_;
};

/// What is known of the last day and week of a tunnel of this host.
[[nodiscard]] UptimeSummary uptime_summary_of(const TunnelStatus& tunnel, const TunnelName& name,
                                              const store::Paths& paths, WallTime now);

}  // namespace holdfast::tunnels
