// The shell around the machine of the autossh engine: real things become events, actions become real things.
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

  /// Until a signal has stopped it; autossh and its ssh are gone then. An Error when it ended because the tunnel is not
  /// this host's any more.
  [[nodiscard]] Result<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
