// Runs the machine of the autossh engine on one Asio loop: turns what happens into events and executes the actions.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <memory>

namespace holdfast::supervisor {

class AutosshLoop {
 public:
  /// `program` is autossh.
  AutosshLoop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel, const store::RuntimeFiles& files,
              boost::filesystem::path program, ssh::Client client, const ServiceManager& manager);
  ~AutosshLoop();
  AutosshLoop(const AutosshLoop&) = delete;
  AutosshLoop& operator=(const AutosshLoop&) = delete;

  /// Returns after a signal stopped it; autossh and its ssh have exited then. An Error when the tunnel no longer
  /// belongs to this host.
  [[nodiscard]] Result<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
