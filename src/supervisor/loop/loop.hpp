// The shell around the machine: turns what happens into events, and carries its actions out, on one Asio loop.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"
#include "supervisor/adoption.hpp"
#include "supervisor/service_manager.hpp"

#include <memory>
#include <optional>

namespace holdfast::supervisor {

class Loop {
 public:
  /// `predecessor`: an ssh that is to go on; without it a new one is started.
  Loop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel, const store::RuntimeFiles& files,
       ssh::Client client, const ServiceManager& manager, std::optional<Predecessor> predecessor);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Until a signal has stopped it; an Error when it ended because the tunnel is not this host's any more.
  [[nodiscard]] Result<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::optional<Predecessor> predecessor_;
};

}  // namespace holdfast::supervisor
