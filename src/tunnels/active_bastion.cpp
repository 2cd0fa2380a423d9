#include "tunnels/active_bastion.hpp"

#include "tunnels/installation.hpp"

namespace holdfast::tunnels {

Tunnel via_active_bastion(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  const auto live = read_live(runtime_directory_of(tunnel, paths, host), tunnel->name, paths, host);
  if (live && os::is_alive(host, live->supervisor))
    for (std::size_t at = 0; at < tunnel.bastions(); ++at)
      if (tunnel.bastion(at).text() == live->bastion) return tunnel.via_bastion(at);
  return tunnel.via_bastion(0);
}

}  // namespace holdfast::tunnels
