#include "backends/host/stop_mark.hpp"

namespace holdfast::backends {

fs::path stop_mark_file(const TunnelName& name, const store::Paths& paths) { return paths.state_file(name, "stopped"); }

Step leave_stop_mark(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  return WriteFile{stop_mark_file(name, paths), host.boot_id() + "\n", paths.file_mode, paths.directory_mode};
}

bool has_stop_mark(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  constexpr std::size_t k_longest = 256;
  const auto text = host.read_file(stop_mark_file(name, paths), k_longest);
  return text && *text == host.boot_id() + "\n";
}

}  // namespace holdfast::backends
