// The end-to-end probe: through ssh's connection to the bastion's end of each forward, and back to the target here.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/mux/mux_client.hpp"
#include "supervisor/machine/actions.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class EndToEnd {
 public:
  /// The ssh that carries the tunnel.
  struct Ssh {
    std::function<std::string()> take_log_lines;  ///< What it logged since the last call.
    std::function<std::optional<pid_t>()> pid;
  };

  /// `probe_socket`: the path of a temporary socket.
  EndToEnd(boost::asio::io_context& context, ssh::mux::MuxClient& mux, const boost::filesystem::path& probe_socket,
           const Tunnel& tunnel, Ssh ssh);
  ~EndToEnd();
  EndToEnd(const EndToEnd&) = delete;
  EndToEnd& operator=(const EndToEnd&) = delete;

  /// Probes these forwards, up to 16 at the same time, and stops when the bastion is silent. Each one has `timeout` for
  /// the bastion's answer and 3 s for the target's. A forward is verified when this ssh connects to the target while
  /// the probe is open. `on_answer` is called once, later, unless another check() replaces this one.
  void check(std::vector<std::size_t> forwards, Milliseconds timeout, std::function<void(ProbeAnswered)> on_answer);

  /// Connects to the bastion's end of a refused forward, to identify the process that listens there. `await_target`:
  /// also waits for data from the target behind it. Calls `on_answer` once, later, within 6 s.
  void find_port_holder(std::size_t forward, bool await_target, std::function<void(PortHolderAnswered)> on_answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
