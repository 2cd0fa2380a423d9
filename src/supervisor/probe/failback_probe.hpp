// Tries another bastion beside the ssh that carries the tunnel: a whole login, and a question for the ports.
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

  /// `way`: the tunnel by way of that bastion. `stale`: a session of ours there that may hold the ports, to be knocked
  /// at first. `ask_for_ports`: a bastion that has them not is not well. `on_done` is called once, when the ssh of the
  /// trial is gone and has let go of all: with nothing when all was well.
  void start(const Tunnel& active_tunnel, const std::optional<os::TcpPair>& stale, bool ask_for_ports,
             std::function<void(std::optional<Diagnosis>)> on_done);
  /// What is under way comes to an end, and to no answer.
  void end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
