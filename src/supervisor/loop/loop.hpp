// Runs the machine of the native engine on one Asio loop: turns what happens into events and executes the actions.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"
#include "supervisor/adoption.hpp"
#include "supervisor/loop/companion.hpp"
#include "supervisor/service_manager.hpp"

#include <memory>
#include <optional>

namespace holdfast::supervisor {

class Loop {
 public:
  /// `predecessor`: a running ssh to adopt. Without it the loop starts one. `companion` may be null.
  Loop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel, const store::RuntimeFiles& files,
       ssh::Client client, const ServiceManager& manager, std::optional<Predecessor> predecessor,
       Companion* companion = nullptr);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Returns after a signal, or the companion, stopped it. An Error when the tunnel no longer belongs to this host.
  [[nodiscard]] Result<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::optional<Predecessor> predecessor_;
};

}  // namespace holdfast::supervisor
