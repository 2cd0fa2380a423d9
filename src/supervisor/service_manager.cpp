#include "supervisor/service_manager.hpp"

#include "core/text.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace holdfast::supervisor {
namespace {

// Half of WATCHDOG_USEC=, sd_watchdog_enabled(3).
std::optional<std::chrono::milliseconds> read_interval(const os::Host& host) {
  const auto pid = host.env("WATCHDOG_PID");
  if (pid && *pid != std::to_string(::getpid())) return std::nullopt;
  const auto microseconds = host.env("WATCHDOG_USEC");
  if (!microseconds || microseconds->size() > 10) return std::nullopt;
  const auto value = parse_number(*microseconds, 1000, 4'000'000'000U);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(*value / 2000);
}

}  // namespace

std::string status_assignment(std::string_view text) { return "STATUS=" + printable(text); }

ServiceManager::ServiceManager(const os::Host& host) {
  const auto path = host.env("NOTIFY_SOCKET");
  if (!path || path->size() < 2 || (path->front() != '/' && path->front() != '@')) return;
  if (path->size() >= sizeof(sockaddr_un::sun_path)) return;
  socket_ = *path;
  interval_ = read_interval(host);
}

void ServiceManager::send(std::string_view message) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace, unix(7)
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // The tunnel does not depend on the manager: errors are ignored.
  [[maybe_unused]] const ssize_t sent =
      ::sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&address), size);
  ::close(descriptor);
}

}  // namespace holdfast::supervisor
