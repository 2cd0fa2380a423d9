// Frees a bastion's port from this tunnel's stale session with a command there. Needs takeover = yes and a key that may
// run commands.
//
// When the tunnel is up, a command over its own connection asks which process on the bastion serves it, and the answer
// is stored. Later exactly that process is ended and no other: no user's login, no other host's tunnel. See
// docs/adr/0019-takeover.md.
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

/// By bastion: Destination::text().
using RemoteSessions = std::map<std::string, ssh::RemoteSession>;

/// A line for each session: "BOOT PID START BASTION\n".
[[nodiscard]] std::string format_remote_sessions(const RemoteSessions& sessions);
/// Ignores invalid lines.
[[nodiscard]] RemoteSessions parse_remote_sessions(std::string_view text);

/// Why the port is still busy. Pure.
[[nodiscard]] Diagnosis explain_takeover(ssh::TakeoverResult result, const Tunnel& tunnel, const Forward& forward);
/// The same when no session on that bastion is known.
[[nodiscard]] Diagnosis explain_unknown_session(const Tunnel& tunnel, const Forward& forward);

class Takeover {
 public:
  Takeover(boost::asio::io_context& context, os::Host& host, store::Paths paths, TunnelName name,
           const store::RuntimeFiles& files, ssh::Client client);
  ~Takeover();
  Takeover(const Takeover&) = delete;
  Takeover& operator=(const Takeover&) = delete;

  /// A new ssh connects to `new_bastion`. Ends a running command without an answer.
  void begin(const Destination& new_bastion);

  /// That ssh carries the tunnel. Asks for its session and stores it, once for each begin(). `log` gets failures.
  void note(std::function<void(const std::string&)> log);

  /// Ends the stored session. `on_done` is called once, later, within 20 s, unless begin() is called before. Empty: the
  /// session ended. Otherwise: why the port of `forward` is still busy.
  void end_stale(const Tunnel& tunnel, const Forward& forward, std::function<void(std::optional<Diagnosis>)> on_done);

  /// Ends a running command without an answer. The destructor does so, too, and waits up to 1 s for its client to exit.
  void end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
