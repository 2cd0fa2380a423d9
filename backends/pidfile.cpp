#include "backends/pidfile.hpp"

namespace holdfast::backends {
namespace {

constexpr std::size_t k_longest = 512;

}  // namespace

std::optional<os::ProcessId> read_pidfile(const os::Host& host, const boost::filesystem::path& pidfile) {
  const auto status = host.status(pidfile);
  if (status.kind != os::FileKind::regular || status.owner != host.user().uid) return std::nullopt;
  const auto text = host.read_file(pidfile, k_longest);
  if (!text) return std::nullopt;
  return parse_process_id(*text);
}

std::optional<os::ProcessId> running_process(const os::Host& host, const boost::filesystem::path& pidfile) {
  auto process = read_pidfile(host, pidfile);
  if (process && !os::is_alive(host, *process)) return std::nullopt;
  return process;
}

}  // namespace holdfast::backends
