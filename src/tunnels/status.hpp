// The current status of tunnels, from their files, their backends and their supervisors' live state.
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

/// How long a tunnel was up in the last day and the last week.
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
    store::Bound bound = store::Bound::unknown;
  };
  struct Backend {
    std::optional<std::string> name;
    std::optional<bool> installed;
    std::optional<bool> running;
    std::optional<Survives> survives;
  };
  /// What it logs in with, as its key files show it.
  struct Credential {
    std::string_view kind;  ///< "key", "certificate"
    std::string file;
    std::optional<WallTime> begins = {};   ///< of a certificate
    std::optional<WallTime> expires = {};  ///< of a certificate; empty: never
  };
  /// What a backend needs to start the tunnel.
  struct Installation {
    std::optional<bool> ok;
    std::vector<std::string> problems = {};  ///< one clause each
    std::string repair = {};                 ///< the command that sets the tunnel up again
  };
  struct Supervisor {
    std::optional<pid_t> pid;
    std::optional<std::string> version;
    std::optional<std::string> program;
    std::string update = {};  ///< text only: the command that makes it this program, if it is another one
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
  std::optional<std::string> bastion;  ///< the one in use
  std::vector<std::string> bastions;   ///< all, in the order of the file; empty: not known
  std::optional<std::string> engine;
  std::vector<Forward> forwards;
  Backend backend;
  Installation installation;
  std::vector<std::string> remarks;  ///< about its file, its key and this host, with what to do
  Supervisor supervisor;
  std::optional<pid_t> ssh_pid;
  std::optional<double> rtt_ms;
  std::optional<std::uint64_t> reconnects;
  std::optional<WallTime> next_attempt;
  std::optional<Failure> last_error;
  std::optional<Credential> credential;

  /// A backend that can be used here now and survives more than the tunnel's own.
  struct Stronger {
    std::string name;
    Survives survives;
  };
  std::optional<Stronger> stronger;  ///< text only, in the detail of one tunnel

  /// The start-up files with the login hook, if the tunnel needs the hook. Text only.
  std::optional<std::vector<std::string>> hook_files;

  std::optional<UptimeSummary> uptime_summary;  ///< only of a tunnel that was named

  bool elsewhere = false;  ///< it belongs to another host, whose state cannot be read from here
  bool renamed = false;    ///< it belongs to a host with this one's machine id: last_error says what to do

  /// The certificate expires within a day, or within a tenth of its lifetime if that is shorter, or has expired.
  [[nodiscard]] bool expires_soon(WallTime now) const noexcept;
  [[nodiscard]] bool is_up() const noexcept { return state == store::TunnelState::up; }
  /// Another host has the port, and no problem of that host was seen.
  [[nodiscard]] bool is_well_standing_by() const noexcept {
    return state == store::TunnelState::standby && !last_error;
  }
};

/// The status of each entry, in order. Runs one command for all tunnels of a backend. `warnings` gets a line for each
/// backend that did not answer.
[[nodiscard]] std::vector<TunnelStatus> gather_status(const std::vector<store::Entry>& entries,
                                                      const store::Paths& paths, const os::Host& host,
                                                      std::vector<std::string>& warnings);

/// The same for `--watch`: read once, refreshed often.
class StatusReader {
 public:
  StatusReader(store::Paths paths, const os::Host& host);
  ~StatusReader();
  StatusReader(const StatusReader&) = delete;
  StatusReader& operator=(const StatusReader&) = delete;

  /// As gather_status().
  [[nodiscard]] std::vector<TunnelStatus> read(const std::vector<store::Entry>& entries,
                                               std::vector<std::string>& warnings);
  /// Updates the result of read() from the supervisors' live state. Runs no command and reads no tunnel file again.
  void refresh(std::vector<TunnelStatus>& statuses) const;

 private:
  struct Known;
  store::Paths paths_;
  const os::Host& host_;
  std::vector<Known> known_;
};

/// For a tunnel of this host.
[[nodiscard]] UptimeSummary uptime_summary_of(const TunnelStatus& tunnel, const TunnelName& name,
                                              const store::Paths& paths, WallTime now);

}  // namespace holdfast::tunnels
