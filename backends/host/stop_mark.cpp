#include "backends/host/stop_mark.hpp"

namespace holdfast::backends {

fs::path stop_mark_file(const TunnelName& name, const store::Places& places) {
  return places.state_file(name, "stopped");
}

Step leave_stop_mark(const TunnelName& name, const store::Places& places, const os::Host& host) {
  return WriteFile{stop_mark_file(name, places), host.boot_id() + "\n", places.file_mode, places.directory_mode};
}

bool has_stop_mark(const TunnelName& name, const store::Places& places, const os::Host& host) {
  constexpr std::size_t k_longest = 256;
  const auto text = host.read_file(stop_mark_file(name, places), k_longest);
  return text && *text == host.boot_id() + "\n";
}

}  // namespace holdfast::backends
