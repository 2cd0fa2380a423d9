// The state that a running supervisor publishes for status and setup: one JSON file, replaced atomically.
#pragma once

#include "core/failure.hpp"
#include "core/timestamp.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "os/tcp_sockets.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::store {

/// degraded: at least one forward works, and at least one does not.
enum class TunnelState { up, degraded, connecting, waiting, standby, failed, stopped };
[[nodiscard]] std::string_view to_text(TunnelState state) noexcept;
[[nodiscard]] std::optional<TunnelState> tunnel_state_from(std::string_view text) noexcept;
/// At least one forward works.
[[nodiscard]] constexpr bool carries(TunnelState state) noexcept {
  return state == TunnelState::up || state == TunnelState::degraded;
}

enum class ForwardState { up, down, denied, busy, pending };
[[nodiscard]] std::string_view to_text(ForwardState state) noexcept;

/// Which addresses of the bastion a forward listens on, as far as it was seen.
enum class Bound { unknown, loopback, all };
[[nodiscard]] std::string_view to_text(Bound bound) noexcept;

struct LastError {
  Diagnosis diagnosis;
  WallTime at;
};

struct LiveForward {
  std::string listen;  ///< "127.0.0.1:2222"
  std::string target;  ///< "localhost:22"
  ForwardState state = ForwardState::pending;
  Bound bound = Bound::unknown;
};

struct LiveState {
  os::ProcessId supervisor;
  TunnelState state = TunnelState::connecting;
  bool verified = false;  ///< the end-to-end probe succeeded
  WallTime since;         ///< start of this state
  std::string bastion;
  std::string engine = "native";
  std::vector<LiveForward> forwards;
  std::optional<os::ProcessId> ssh;
  std::optional<os::ProcessId> autossh;  ///< with engine autossh
  std::optional<double> rtt_ms;          ///< of the last probe
  std::uint64_t reconnects = 0;          ///< since the supervisor started
  std::optional<WallTime> next_attempt;
  std::optional<LastError> last_error;
  std::optional<os::TcpPair> connection;  ///< of the last ssh that was up; the knock needs it
  std::optional<std::string> version;     ///< of the supervisor
  std::optional<std::string> program;     ///< its path
  std::optional<std::string> settings;    ///< settings_mark() of the tunnel as it runs
  std::uint64_t generation = 0;           ///< +1 for each read of the tunnel file; setup waits for the next one
  std::optional<WallTime> booted_at;      ///< by the wall clock that the times above are from
};

/// Moves every time of `state` to a wall clock that says that this machine booted at `booted_at`. Somebody may have set
/// the clock since; elapsed times stay what they are. Does nothing within 2 s, so that a slewed clock moves no time.
void follow_clock(LiveState& state, WallTime booted_at);

/// Its ssh has forwards open on the bastion, whether their targets answer or not.
[[nodiscard]] bool holds_forwards(const LiveState& state) noexcept;

/// Differs where two tunnels differ in any setting but the backend and the runtime directory.
[[nodiscard]] std::string settings_mark(const Tunnel& tunnel);

[[nodiscard]] std::string format_live_state(const LiveState& state);
[[nodiscard]] Result<LiveState> parse_live_state(std::string_view json);

/// Nothing when there is no file. The times are of the present wall clock, if the file is of this boot. Refuses a
/// symlink, and a file that another user than `owner` owns or can write to. `owner` is the user who runs the
/// supervisor.
[[nodiscard]] Result<std::optional<LiveState>> read_live_state(const os::Host& host,
                                                               const boost::filesystem::path& file, uid_t owner);

}  // namespace holdfast::store
