// Signals, the service manager's watchdog, and the refresh of runtime files that /tmp ageing would remove.
#pragma once

#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class ProcessServices {
 public:
  struct Handlers {
    std::function<void()> on_probe_request;  ///< SIGUSR1.
    std::function<void()> on_reload;         ///< SIGUSR2, or a SIGHUP that is not a terminal's hangup.
    std::function<void()> on_stop;           ///< SIGTERM, SIGINT, or the terminal hung up; after sd_notify STOPPING=1.
  };

  /// Construct it before any other signal handler is installed. Handlers are called from the context, after begin().
  ProcessServices(boost::asio::io_context& context, const ServiceManager& manager, store::RuntimeFiles files,
                  Handlers handlers);
  ~ProcessServices();
  ProcessServices(const ProcessServices&) = delete;
  ProcessServices& operator=(const ProcessServices&) = delete;

  void begin();
  /// The event loop works: tells the service manager, and puts the next such message off.
  void note_alive();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
