// What a supervisor does beside its tunnel for as long as it runs: signals, the service manager's watchdog, and files
// that must not be taken away by age.
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
    std::function<void()> on_probe_request;  ///< SIGUSR1
    std::function<void()> on_reload;         ///< SIGUSR2, or a SIGHUP that does not mean that our terminal is gone
    std::function<void()> on_stop;           ///< SIGTERM, SIGINT, or the terminal is gone; the service manager knows
  };

  /// To be made before any other handler of signals is in place. Handlers are called from the context, after begin().
  ProcessServices(boost::asio::io_context& context, const ServiceManager& manager, store::RuntimeFiles files,
                  Handlers handlers);
  ~ProcessServices();
  ProcessServices(const ProcessServices&) = delete;
  ProcessServices& operator=(const ProcessServices&) = delete;

  void begin();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
