// Tells when a process has ended that is not our child: waitpid(2) says nothing of it.
#pragma once

#include "os/host.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::os {

/// By a pidfd where the kernel has them (5.3) and the sandbox lets us; else by looking four times a second.
class ProcessWatch {
 public:
  /// `on_gone` is called once, later; also when that very process is gone already.
  ProcessWatch(boost::asio::io_context& context, const Host& host, ProcessId process, std::function<void()> on_gone);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::os
