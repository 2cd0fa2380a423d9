#include "tunnels/command_tunnel/private_directory.hpp"

#include "core/text.hpp"
#include "os/process_id.hpp"
#include "ssh/client/master.hpp"
#include "store/live_state.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>

namespace holdfast::tunnels {
namespace {

constexpr std::string_view k_prefix = ".with.";  // .with.PID.XXXXXX
constexpr const char* k_command_file = "command";

/// Not a directory of another host: a shared /tmp is rare, but then its processes cannot be seen here.
bool is_abandoned(const fs::path& directory, const os::Host& host) {
  if (host.is_locked(store::runtime_files(command_tunnel_name(), directory).lock)) return false;
  if (const auto command = command_of(directory, host))
    return command->host == host.hostname() && !os::is_alive(host, *command);
  // It was killed before it could write that file.
  const auto words = split(directory.filename().native().substr(k_prefix.size()), '.');
  const auto maker = parse_number(words.front(), 1, std::numeric_limits<pid_t>::max());
  return maker && !host.process(static_cast<pid_t>(*maker));
}

}  // namespace

TunnelName command_tunnel_name() { return TunnelName::parse("with-tunnel").value(); }

store::Paths command_tunnel_paths(const fs::path& directory) {
  store::Paths paths;
  paths.config = paths.tunnels = paths.templates = paths.state = directory;
  return paths;
}

Result<fs::path> make_private_directory(os::Host& host) {
  std::vector<std::string> passed_over;
  HOLDFAST_TRY(const auto parent, store::choose_runtime_directory(host, false, passed_over));
  const auto self = host.process(::getpid());
  if (!self) return Error{"reading", "/proc/self/stat", "it cannot be read", "mount /proc"};
  auto path = (parent / fmt::format("{}{}.XXXXXX", k_prefix, self->pid)).native();
  if (::mkdtemp(path.data()) == nullptr) return errno_error("making", path, errno);
  const auto written = host.write_volatile_file(fs::path(path) / k_command_file, os::format_process_id(*self), 0600);
  if (written) return fs::path(path);
  (void)host.remove_tree(path);
  return written.error();
}

std::optional<os::ProcessId> command_of(const fs::path& directory, const os::Host& host) {
  const auto text = host.read_file(directory / k_command_file, 1024);
  return text ? os::parse_process_id(*text) : std::nullopt;
}

void remove_abandoned_tunnels(os::Host& host) {
  for (const auto& parent : store::runtime_directory_candidates(host, false)) {
    const auto status = host.status(parent);
    if (status.kind != os::FileKind::directory || status.owner != host.user().uid) continue;
    for (const auto& entry : host.list(parent)) {
      const auto directory = parent / entry;
      if (!entry.starts_with(k_prefix) || !is_abandoned(directory, host)) continue;
      const auto files = store::runtime_files(command_tunnel_name(), directory);
      const auto live = store::read_live_state(host, files.live, host.user().uid);
      (void)ssh::end_master(files.control, host, live && *live ? (*live)->ssh : std::nullopt);
      (void)host.remove_tree(directory);
    }
  }
}

}  // namespace holdfast::tunnels
