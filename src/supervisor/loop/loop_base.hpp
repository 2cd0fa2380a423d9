// The common part of both engines' loops: the io_context, and every part that does not depend on the engine's machine.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/file_lock.hpp"
#include "os/host.hpp"
#include "os/routes.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"
#include "supervisor/loop/process_services.hpp"
#include "supervisor/loop/timers.hpp"
#include "supervisor/machine/actions.hpp"
#include "supervisor/machine/view.hpp"
#include "supervisor/probe/bound_check.hpp"
#include "supervisor/probe/end_to_end.hpp"
#include "supervisor/probe/probe_rounds.hpp"
#include "supervisor/report/reporter.hpp"
#include "supervisor/watch/credentials.hpp"
#include "supervisor/watch/name.hpp"
#include "supervisor/watch/network.hpp"
#include "supervisor/watch/runtime_directory.hpp"
#include "supervisor/watch/suspend.hpp"
#include "supervisor/watch/tunnel_file.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::supervisor {

/// The events that both machines know and that LoopBase posts.
using SharedEvent = std::variant<ProbeAnswered, TimerFired, NetworkChanged, Resumed, ProbeRequested, StopRequested>;

struct LoopBase {
  LoopBase(os::Host& real_host, store::Paths tunnel_paths, Tunnel initial_tunnel, store::RuntimeFiles runtime_files,
           ssh::Client ssh_client, const ServiceManager& service_manager);
  LoopBase(const LoopBase&) = delete;
  LoopBase& operator=(const LoopBase&) = delete;
  virtual ~LoopBase();

  /// Queues it for the engine's machine.
  virtual void post_shared(SharedEvent event) = 0;
  /// The tunnel file may have changed: `load_reread()` and post what follows.
  virtual void reload() = 0;
  /// Whether SIGTERM and its like end the loop.
  [[nodiscard]] virtual bool stops_by_signal() const { return true; }
  /// On SIGTERM and its like: leave a logged-in ssh running for the next supervisor?
  [[nodiscard]] virtual bool leaves_child() { return false; }
  /// Null while there is no ssh.
  [[nodiscard]] virtual ssh::mux::MuxClient* control_master() = 0;
  [[nodiscard]] virtual std::optional<pid_t> ssh_pid() const = 0;
  /// The numeric address that ssh is connected to; empty: not known, as behind a proxy.
  [[nodiscard]] virtual std::optional<std::string> bastion_address() const = 0;
  [[nodiscard]] virtual ConnectionStatus connection_status() const { return {}; }
  /// The numeric addresses whose routes matter; empty: not known.
  [[nodiscard]] virtual std::vector<std::string> route_peers() const { return {}; }
  /// The watch saw another text in the tunnel file.
  virtual void on_file_change() {}

  /// Installs the signal handlers and logs `banner`.
  void begin(std::string_view banner);
  /// Runs the context until Quit. An Error when the tunnel no longer belongs to this host.
  [[nodiscard]] Result<> run();
  /// Stops because of `error`, which run() then returns.
  void end(const Error& error);

  /// True when the route to a peer changed since the last call, or when no peer is known.
  [[nodiscard]] bool notice_routes();
  void on_network_change(bool gained);

  /// The tunnel as its file is now; empty, and logged, when there is nothing new to apply.
  [[nodiscard]] std::optional<Tunnel> load_changed_tunnel();
  /// `otherwise` is the failure class if `program` exists.
  [[nodiscard]] ChildFailedToStart failed_to_start(const Error& error, const boost::filesystem::path& program,
                                                   FailureClass otherwise) const;

  /// The runtime directory was removed: makes it again, with the lock and the live state. The connection stays.
  void reclaim_directory();

  void execute(const SetTimer& action) { timers.set(action.timer, action.wait); }
  void execute(const CancelTimer& action) { timers.cancel(action.timer); }
  void execute(const Probe& action);
  /// For another login.
  void forget_bounds();
  /// Where a forward asks for all addresses, after it is known which ones it got.
  void post_answer(RequestId request, ProbeAnswered answer);
  /// See store::take_target_probe().
  [[nodiscard]] bool may_reach(const std::string& target, bool at_once);
  void keep_target_notes(const ProbeRounds::Round& round, const ProbeAnswered& answer);
  void check_path(Milliseconds timeout, std::function<void(std::optional<double> rtt_ms)> on_answer);

  /// Call it after each event. After the answer to a probe the supervisor is idle for a minute.
  void after_event(const View& view, bool was_probe);
  void watch_causes(const View& view);
  /// Of every bastion and its jump hosts, as ssh resolves its aliases. Blocks for `ssh -G`.
  [[nodiscard]] std::vector<std::string> route_names() const;

  os::Host& host;
  store::Paths paths;
  Tunnel tunnel;
  std::optional<Tunnel> reread;  ///< Replaces `tunnel` when the machine applies the change.
  store::RuntimeFiles files;
  ssh::Client client;
  const ServiceManager& manager;

  std::unique_ptr<boost::asio::io_context> owned_context;
  boost::asio::io_context& context;
  ProcessServices process_services;
  RuntimeDirectory runtime_directory;
  std::optional<os::FileLock> reclaimed_lock;
  Timers timers;
  Reporter reporter;
  std::optional<EndToEnd> end_to_end;
  ProbeRounds probe_rounds;
  BoundCheck bound_check;
  std::vector<std::pair<std::string, os::Route>> routes;  ///< By peer, as notice_routes() saw them.
  NetworkWatch network_watch;
  SuspendWatch suspend_watch;
  TunnelFileWatch tunnel_file_watch;
  CredentialWatch credential_watch;
  NameWatch name_watch;
  std::optional<Error> end_reason;
};

}  // namespace holdfast::supervisor
