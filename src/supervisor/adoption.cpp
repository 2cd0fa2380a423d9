#include "supervisor/adoption.hpp"

#include "core/text.hpp"
#include "ssh/client/master.hpp"
#include "ssh/mux/mux_client.hpp"
#include "store/hand_over.hpp"
#include "store/live_state.hpp"
#include "supervisor/loop/ssh_session.hpp"

#include <algorithm>
#include <string_view>

namespace holdfast::supervisor {
namespace {

constexpr ssh::mux::Deadline k_alive_timeout{1000};

/// The times of ssh's keepalive depend on the kernel and on the version of holdfast that started it.
bool is_same_argument(const std::string& left, const std::string& right) {
  constexpr std::string_view k_keepalive = "ServerAlive";
  return left == right || (left.starts_with(k_keepalive) && right.starts_with(k_keepalive));
}

/// Compares all arguments but the program's name: a wrapper may have replaced it by exec.
bool was_started_with(const std::vector<std::string>& arguments, pid_t pid, const os::Host& host) {
  auto actual = split(host.command_line(pid), '\0');
  if (!actual.empty() && actual.back().empty()) actual.pop_back();
  return actual.size() == arguments.size() &&
         std::equal(actual.begin() + 1, actual.end(), arguments.begin() + 1, is_same_argument);
}

bool has_only_forwards_of(const Tunnel& tunnel, const store::LiveState& live) {
  return std::ranges::all_of(live.forwards, [&](const store::LiveForward& open) {
    return std::ranges::any_of(tunnel->forwards, [&](const Forward& wanted) {
      return end_text(wanted.listen()) == open.listen && end_text(wanted.target()) == open.target;
    });
  });
}

/// The master on the control socket replies, and is process `pid`.
bool answers(const store::RuntimeFiles& files, pid_t pid) {
  const auto answer = ssh::mux::alive(files.control, k_alive_timeout);
  const auto* granted = std::get_if<ssh::mux::Granted>(&answer);
  return granted != nullptr && static_cast<pid_t>(granted->value) == pid;
}

}  // namespace

std::optional<Predecessor> find_predecessor(const Tunnel& tunnel, const store::RuntimeFiles& files,
                                            const ssh::Client& client, const os::Host& host) {
  if (tunnel->engine != Engine::native) return std::nullopt;
  const auto read = store::read_live_state(host, files.live, host.user().uid);
  // autossh would start another ssh as soon as this one ends.
  if (!read || !*read || !(*read)->ssh || (*read)->autossh) return std::nullopt;
  const store::LiveState& live = **read;
  const auto socket = host.status(files.control);
  if (socket.kind != os::FileKind::socket || socket.owner != host.user().uid) return std::nullopt;
  const auto master = ssh::find_master(host, files.control);
  if (!master || *master != *live.ssh) return std::nullopt;
  if (!has_only_forwards_of(tunnel, live) || !answers(files, master->pid)) return std::nullopt;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at)
    if (was_started_with(session_arguments(client, tunnel.via_bastion(at), files), master->pid, host))
      return Predecessor{*master, live.reconnects, live.state == store::TunnelState::up, at, live.forwards};
  return std::nullopt;
}

bool has_successor(const os::Host& host, const store::Paths& paths, const TunnelName& name,
                   const ServiceManager& manager) {
  if (manager.is_there() && host.env("HOLDFAST_REAPED") == "yes") return true;
  return store::is_under_way(store::read_hand_over(host, paths, name), host);
}

}  // namespace holdfast::supervisor
