// Frees a bastion's port from our own stale session by a command there, where the tunnel asks for that (takeover = yes)
// and the key may run one.
//
// Each time the tunnel is up the session that carries it is asked over its own connection which process it is on the
// bastion, and that is kept. Later exactly that process is ended, and nothing else ever: no login of a person's, no
// tunnel of another host. See docs/adr/0019-takeover.md.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/remote/remote_session.hpp"
#include "store/paths.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// By Destination::text().
using RemoteSessions = std::map<std::string, ssh::RemoteSession>;

/// A line each: "BOOT PID START BASTION\n"
[[nodiscard]] std::string format_remote_sessions(const RemoteSessions& sessions);
/// Without the lines that are none of these.
[[nodiscard]] RemoteSessions parse_remote_sessions(std::string_view text);

/// Why the port is still taken. Pure.
[[nodiscard]] Diagnosis explain_takeover(ssh::TakeoverResult end, const Tunnel& tunnel, const Forward& forward);
/// The same where no session there is known.
[[nodiscard]] Diagnosis explain_unknown_session(const Tunnel& tunnel, const Forward& forward);

class Takeover {
 public:
  Takeover(boost::asio::io_context& context, os::Host& host, store::Paths paths, TunnelName name,
           const store::RuntimeFiles& files, ssh::Client client);
  ~Takeover();
  Takeover(const Takeover&) = delete;
  Takeover& operator=(const Takeover&) = delete;

  /// Another ssh goes there. A command that still runs ends without an answer.
  void begin(const Destination& bastion);

  /// That ssh carries the tunnel: once for each begin() its session is asked for and kept. `log` is told when it does
  /// not say.
  void note(std::function<void(const std::string&)> log);

  /// Ends the session that was kept last. `on_done` is called once, later, within 20 s, unless begin() comes first:
  /// with nothing when it is ended, else why the port of `forward` is still taken.
  void end_stale(const Tunnel& tunnel, const Forward& forward, std::function<void(std::optional<Diagnosis>)> on_done);

  /// Ends a command that still runs, without an answer. The destructor does that too, and blocks until its client is
  /// gone, 1 s at most.
  void end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
