// The shell around the machine: turns what happens into events, and carries its actions out, on one Asio loop.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/arguments.hpp"
#include "store/places.hpp"
#include "supervisor/sd_notify.hpp"

#include <memory>

namespace holdfast::supervisor {

class Loop {
 public:
  Loop(os::Host& host, const store::Places& places, const Tunnel& tunnel, const store::RuntimeFiles& files,
       ssh::Client client, const ServiceManager& manager);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Until a signal has stopped it; an Error when it ended because the tunnel is not this host's any more.
  [[nodiscard]] Result<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
