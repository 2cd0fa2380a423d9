// The facts about this host that setup reads before it changes anything.
#pragma once

#include "os/host.hpp"
#include "tunnels/setup/previous_tunnel.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// A value that is read once, under the tunnel's lock, and then only looked at.
struct SetupFacts {
  std::string hostname;
  std::string machine;                            ///< store::machine_mark()
  std::optional<os::ProcessId> own_process = {};  ///< of this command; nothing: /proc cannot be read
  PreviousTunnel previous = {};
  std::vector<std::string> other_hosts = {};      ///< of the same home that have a tunnel of this name
  std::optional<std::string> tunnel_file = {};    ///< the bytes of NAME.conf
  std::optional<Tunnel> tunnel_as_written = {};   ///< what they mean, without this host's own settings
  std::optional<std::string> host_settings = {};  ///< the bytes of NAME.host
  bool has_pinned_key = false;                    ///< NAME.known_hosts is there
  bool job_in_place = false;                      ///< installing the previous job again would change nothing
  std::optional<Arrival> arrival = {};            ///< how the previous tunnel is, if its supervisor runs
  bool was_lingering = false;                     ///< user scope: before this setup, or a move that was cut short
};

/// Reads files and asks backends; changes nothing. An Error when the home or PATH does not answer.
[[nodiscard]] Result<SetupFacts> collect_facts(const SetupRequest& request, const os::Host& host);

}  // namespace holdfast::tunnels
