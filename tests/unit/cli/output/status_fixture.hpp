// ann's host, on which tunnel lab is up, for tests of its status and of the output.
#pragma once

#include "cli/output/status_output.hpp"

#include "backends/pidfile.hpp"
#include "backends/recorded_host.hpp"
#include "store/tunnel_file.hpp"

#include <string>
#include <vector>

namespace holdfast::test {

constexpr WallTime at(int seconds) { return WallTime(std::chrono::seconds(1'800'000'000 + seconds)); }

inline store::Entry entry_of(const std::string& name, const std::string& more = "") {
  const auto tunnel_name = TunnelName::parse(name).value();
  return {tunnel_name,
          store::parse_tunnel(tunnel_name,
                              "port = 2222\nbackend = nohup\nhost = ws\nruntime-dir = /tmp/holdfast-1000\n" + more +
                                  "bastion = gate@bastion\n",
                              name + ".conf")};
}

/// ann's host, on which tunnel lab is up.
struct StatusFixture {
  RecordedHost host;
  os::ProcessId supervisor{101, 5, "0e2c8c5e", "ws"};
  os::ProcessId ssh{102, 6, "0e2c8c5e", "ws"};
  store::LiveState live;
  store::Paths paths;

  StatusFixture() {
    paths = store::paths(Scope::user, host).value();
    live.supervisor = supervisor;
    live.ssh = ssh;
    live.state = store::TunnelState::up;
    live.verified = true;
    live.since = at(0);
    live.bastion = "gate@bastion";
    live.forwards = {{"127.0.0.1:2222", "localhost:22", store::ForwardState::up}};
    live.rtt_ms = 12.5;
    live.reconnects = 3;
    host.put_process(supervisor);
    host.put_process(ssh);
    host.put("/proc/101/cgroup", "0::/\n");
    host.put("/tmp/holdfast-1000/lab.pid", backends::format_process_id(supervisor), 0600);
    host.put(paths.tunnels / "lab.conf", "", 0600);
  }

  tunnels::TunnelStatus status(const store::Entry& entry = entry_of("lab")) {
    host.put("/tmp/holdfast-1000/lab.live", store::format_live_state(live), 0600);
    std::vector<std::string> warnings;
    return tunnels::gather_status({entry}, paths, host, warnings).front();
  }
};

}  // namespace holdfast::test
