#include "ssh/client/master.hpp"

#include "core/text.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/mux/mux_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace holdfast::ssh {
namespace {

namespace fs = boost::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds k_answer{1000};
constexpr milliseconds k_after_asking{1500};
constexpr milliseconds k_after_no_answer{5};
constexpr milliseconds k_after_sigterm{1500};
constexpr milliseconds k_after_sigkill{1000};

/// The listener of a socket according to the kernel, which answers for a stopped process too.
struct Listener {
  bool exists = false;
  pid_t pid = 0;  ///< the caller of listen(2); 0 when unknown (a full backlog)
};

Listener listener_of(const fs::path& control) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (control.empty() || control.native().size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, control.c_str(), control.native().size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return {.exists = true};
  Listener listener;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    ucred peer{};
    socklen_t size = sizeof peer;
    listener = {.exists = true, .pid = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0};
  } else {
    listener.exists = errno != ECONNREFUSED && errno != ENOENT && errno != ENOTSOCK;
  }
  ::close(socket);
  return listener;
}

// For root, the owner of the socket's directory: a path that an ordinary user recorded must not make root end another
// user's process.
uid_t owner_of_masters(const os::Host& host, const fs::path& control) {
  const uid_t self = host.user().uid;
  return self == 0 ? host.status(control.parent_path()).owner : self;
}

bool names_socket(const os::Host& host, pid_t pid, const fs::path& control) {
  const std::string wanted = control_argument(control);
  const auto arguments = split(host.command_line(pid), '\0');
  for (std::size_t i = 1; i < arguments.size(); ++i)
    if (arguments[i] == wanted && arguments[i - 1] == "-S") return true;
  return false;
}

bool end_process(os::Host& host, const fs::path& control, const os::ProcessId& master) {
  // After a granted request the master needs time to exit. A stopped one does not answer: go on at once.
  const auto asked = mux::terminate(control, k_answer);
  const auto timeout = std::holds_alternative<mux::Granted>(asked) ? k_after_asking : k_after_no_answer;
  if (os::wait_for_exit(host, master, timeout)) return true;
  host.signal(master, SIGTERM);
  if (os::wait_for_exit(host, master, k_after_sigterm)) return true;
  host.signal(master, SIGKILL);
  return os::wait_for_exit(host, master, k_after_sigkill);
}

/// A master whose socket was deleted is known by its arguments alone.
std::optional<os::ProcessId> find_by_arguments(const os::Host& host, const fs::path& control) {
  for (const auto& name : host.list("/proc"))
    if (const auto pid = parse_number(name, 2, INT32_MAX))
      if (auto master = process_of_socket(host, static_cast<pid_t>(*pid), control)) return master;
  return std::nullopt;
}

// With a dead socket file, `ssh -M` prints "already exists, disabling multiplexing" and listens on no socket.
Result<> remove_dead_socket(os::Host& host, const fs::path& control) {
  if (host.status(control).kind != os::FileKind::socket || listener_of(control).exists) return {};
  return host.remove_file(control);
}

}  // namespace

std::optional<os::ProcessId> process_of_socket(const os::Host& host, pid_t pid, const fs::path& control) {
  if (pid <= 1) return std::nullopt;
  const auto process = host.process(pid);
  if (!process || host.status("/proc/" + std::to_string(pid)).owner != owner_of_masters(host, control) ||
      !names_socket(host, pid, control))
    return std::nullopt;
  // Checked again, so that all of the above holds for one process and not for a reused pid.
  return os::is_alive(host, *process) ? process : std::nullopt;
}

std::optional<os::ProcessId> find_master(const os::Host& host, const fs::path& control,
                                         const std::optional<os::ProcessId>& known) {
  if (host.status(control).kind == os::FileKind::socket) {
    const Listener listener = listener_of(control);
    if (auto master = process_of_socket(host, listener.pid, control)) return master;
    // The process may have forked since listen(2): ask the master for its pid.
    if (listener.exists)
      if (const auto answer = mux::alive(control, k_answer); const auto* granted = std::get_if<mux::Granted>(&answer))
        if (auto master = process_of_socket(host, static_cast<pid_t>(granted->value), control)) return master;
  }
  if (known && os::is_alive(host, *known)) return process_of_socket(host, known->pid, control);
  return std::nullopt;
}

Result<bool> end_master(const fs::path& control, os::Host& host, const std::optional<os::ProcessId>& known) {
  auto master = find_master(host, control, known);
  if (!master && host.status(control).kind == os::FileKind::missing) master = find_by_arguments(host, control);
  if (!master) {
    if (host.status(control).kind == os::FileKind::socket && listener_of(control).exists)
      return Error{"ending the ssh on", control.native(), "another program listens there",
                   "find it: ss -xlp src " + control.native()};
    HOLDFAST_CHECK(remove_dead_socket(host, control));
    return false;
  }
  if (!end_process(host, control, *master))
    return Error{"ending", "ssh (pid " + std::to_string(master->pid) + ")", "it does not exit after SIGKILL",
                 "it hangs in the kernel, often on a dead network file system: ps -o stat,wchan -p " +
                     std::to_string(master->pid)};
  HOLDFAST_CHECK(remove_dead_socket(host, control));
  return true;
}

}  // namespace holdfast::ssh
