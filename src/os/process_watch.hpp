// Reports the exit of a process that is not our child, for which waitpid(2) does not work.
#pragma once

#include "os/host.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::os {

/// Uses a pidfd where the kernel (5.3) and the sandbox allow it; else polls four times a second.
class ProcessWatch {
 public:
  /// Calls `on_gone` once, never from the constructor; also when the process has already ended.
  ProcessWatch(boost::asio::io_context& context, const Host& host, ProcessId process, std::function<void()> on_gone);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::os
