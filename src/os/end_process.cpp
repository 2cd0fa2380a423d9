#include "os/end_process.hpp"

#include <csignal>

namespace holdfast::os {

bool end_process(Host& host, const ProcessId& process, std::chrono::milliseconds grace) {
  constexpr std::chrono::milliseconds k_after_kill(2000);
  if (!is_alive(host, process)) return true;
  host.signal(process, SIGTERM);
  if (wait_for_exit(host, process, grace)) return true;
  host.signal(process, SIGKILL);
  return wait_for_exit(host, process, k_after_kill);
}

}  // namespace holdfast::os
