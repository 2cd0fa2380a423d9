// Probes a better bastion beside the ssh that carries the tunnel: a login, and a request for the ports.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "os/tcp_sockets.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class FailbackProbe {
 public:
  FailbackProbe(boost::asio::io_context& context, os::Host& host, const store::RuntimeFiles& files, ssh::Client client);
  ~FailbackProbe();
  FailbackProbe(const FailbackProbe&) = delete;
  FailbackProbe& operator=(const FailbackProbe&) = delete;

  /// `tunnel`: via the bastion to probe. `stale`: this tunnel's old session there, which is knocked at first.
  /// `request_ports`: the probe fails if a port is not granted. `on_done` is called once, when the probe's ssh has
  /// exited and released the ports: empty on success.
  void start(const Tunnel& tunnel, const std::optional<os::TcpPair>& stale, bool request_ports,
             std::function<void(std::optional<Diagnosis>)> on_done);
  /// Ends a running probe. `on_done` is not called.
  void end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
