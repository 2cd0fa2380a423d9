#include "supervisor/loop/loop_base.hpp"

#include "core/text.hpp"
#include "os/boot_clock.hpp"
#include "os/directories.hpp"
#include "os/resident_memory.hpp"
#include "ssh/client/resolution.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "store/login_ledger.hpp"
#include "store/shared_files.hpp"
#include "store/target_note.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/probe/bound_result.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::seconds k_frozen(5);  // a timer this late: the machine slept, or this process was stopped

/// The forwards of `round` that led to this tunnel. Of an answer with a cause it is not known which ones did not.
std::vector<std::size_t> open_forwards(const ProbeRounds::Round& round, const ProbeAnswered& answer) {
  using Kind = ProbeAnswered::Kind;
  std::vector<std::size_t> open;
  if (answer.kind == Kind::lost || answer.kind == Kind::silent || (answer.kind == Kind::unproven && answer.why))
    return open;
  for (std::size_t at = 0; at < std::min(round.forwards.size(), answer.forwards.size()); ++at)
    if (answer.forwards[at] == store::ForwardState::up) open.push_back(round.forwards[at]);
  return open;
}

}  // namespace

LoopBase::LoopBase(os::Host& real_host, store::Paths tunnel_paths, Tunnel initial_tunnel,
                   store::RuntimeFiles runtime_files, ssh::Client ssh_client, const ServiceManager& service_manager)
    : host(real_host),
      paths(std::move(tunnel_paths)),
      tunnel(std::move(initial_tunnel)),
      files(std::move(runtime_files)),
      client(std::move(ssh_client)),
      manager(service_manager),
      owned_context(std::make_unique<boost::asio::io_context>(1)),
      context(*owned_context),
      process_services(context, manager, files,
                       {.on_probe_request = [this] { post_shared(ProbeRequested{}); },
                        .on_reload = [this] { reload(); },
                        .on_stop =
                            [this] {
                              if (stops_by_signal()) post_shared(StopRequested{.leave_child = leaves_child()});
                            }}),
      runtime_directory(
          context, files, [this] { reclaim_directory(); }, [this] { reporter.publish_again(); }),
      timers(context,
             [this](Timer timer, Clock::duration late) {
               if (late > k_frozen) post_shared(Resumed{connection_status()});
               post_shared(TimerFired{timer});
             }),
      reporter(host, paths, tunnel->name, files.live, manager),
      bound_check(context, {.ssh = [this] { return ssh_pid(); },
                            .may_reach = [this](const std::string& target) { return may_reach(target, true); },
                            .on_change = [this] { reporter.set_bounds(bound_check.bounds()); }}),
      network_watch(context, [this](bool gained) { on_network_change(gained); }),
      suspend_watch(context, [this] { post_shared(Resumed{connection_status()}); }),
      tunnel_file_watch(
          context, host, paths, tunnel, [this] { on_file_change(); }, [this](const Error& error) { end(error); }),
      credential_watch(context, host.user().home,
                       [this] {
                         for (std::size_t at = 0; at < tunnel.bastions();
                              ++at)  // those were refused with other credentials
                           store::LoginLedger(host, files.directory, tunnel.bastion(at).text()).forget();
                         reporter.log("a key, a certificate, known_hosts or ssh_config changed: logging in again");
                         post_shared(ProbeRequested{});
                       }),
      name_watch(
          context, [this] { return route_names(); },
          [this] {
            reporter.log("the bastion's name leads to another address: logging in again");
            post_shared(ProbeRequested{});
          }) {
  credential_watch.note(tunnel);
}

LoopBase::~LoopBase() = default;

void LoopBase::begin(std::string_view banner) {
  process_services.begin();
  runtime_directory.hold();
  reporter.log(banner);
}

Result<> LoopBase::run() {
  context.run();
  if (end_reason) return *end_reason;
  return {};
}

void LoopBase::end(const Error& error) {
  if (end_reason) return;
  end_reason = error;
  reporter.log(error.line());
  manager.stopping();
  post_shared(StopRequested{});
}

void LoopBase::reclaim_directory() {
  if (end_reason) return;
  // Only systemd makes the directory of the system scope, when it starts the unit.
  if (paths.scope == Scope::system) {
    if (!ssh_pid() && host.status(files.lock).kind == os::FileKind::missing)
      end({"running", tunnel->name.text(), "its runtime directory was removed, and systemd must make it again", ""});
    return;
  }
  if (const auto claimed = os::claim_private_directory(files.directory, host.user().uid); !claimed)
    return reporter.log("the runtime directory was removed: " + claimed.error().line());
  auto lock = os::FileLock::try_take(files.lock);
  if (!lock) return reporter.log("the runtime directory was removed: " + lock.error().line());
  if (!*lock)
    return end({"running", tunnel->name.text(), "its runtime directory was removed, and another supervisor runs it",
                "holdfast status " + tunnel->name.text()});
  reclaimed_lock = std::move(*lock);
  runtime_directory.hold();
  reporter.publish_again();
  reporter.log("the runtime directory was removed, and made again: the connection stays");
}

std::optional<Tunnel> LoopBase::load_changed_tunnel() {
  const auto fresh = store::load_changed(host, paths, tunnel);
  if (!fresh) {
    reporter.log("the tunnel file was not applied: " + fresh.error().line());
    return std::nullopt;
  }
  if (!*fresh && !reread) {
    reporter.log("the tunnel file was reloaded: nothing changed");
    return std::nullopt;
  }
  return *fresh ? **fresh : tunnel;  // in the second case the pending change is undone
}

ChildFailedToStart LoopBase::failed_to_start(const Error& error, const boost::filesystem::path& program,
                                             FailureClass otherwise) const {
  const bool is_missing = !host.find_program(program.native());
  return {{is_missing ? FailureClass::ssh_missing : otherwise, printable(error.line()), error.hint}};
}

void LoopBase::after_event(const View& view, bool was_probe) {
  watch_causes(view);
  if (was_probe && view.state == store::TunnelState::up) os::release_read_only_memory();
}

/// Watches the credentials and the bastion's name while a login failed because of them.
void LoopBase::watch_causes(const View& view) {
  const bool failed = view.state == store::TunnelState::failed || view.state == store::TunnelState::waiting;
  const auto why = failed ? view.last_error : std::nullopt;
  if (why && depends_on_credentials(*why))
    credential_watch.start(*why);
  else
    credential_watch.stop();
  if (why && depends_on_address(*why))
    name_watch.start();
  else
    name_watch.stop();
}

std::vector<std::string> LoopBase::route_names() const {
  std::vector<std::string> hosts;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at) {
    const auto& bastion = tunnel.bastion(at);
    const auto route = ssh::resolve_route(host, client, bastion, tunnel->ssh_options, host.user());
    if (!route) hosts.push_back(bastion.host());
    if (route)
      for (const auto& hop : route->hops) hosts.push_back(hop.host());
  }
  return names_of(hosts);
}

bool LoopBase::notice_routes() {
  decltype(routes) present;
  for (auto& peer : route_peers())
    if (auto route = os::route_to(peer)) present.emplace_back(std::move(peer), std::move(*route));
  const bool is_same = present == routes;
  routes = std::move(present);
  return !is_same || routes.empty();
}

// Containers bring addresses and links all the time: none of them changes the route to the bastion. A lost route is
// remembered, and its return is the change.
void LoopBase::on_network_change(bool gained) {
  if (!notice_routes()) return;
  const bool is_usable = std::ranges::any_of(routes, [](const auto& one) { return one.second.usable; });
  if (routes.empty() ? gained : is_usable) post_shared(NetworkChanged{connection_status()});
}

void LoopBase::execute(const Probe& action) {
  process_services.note_alive();
  if (!end_to_end) return;
  if (bound_check.is_running()) return bound_check.when_idle([this, action] { execute(action); });
  // autossh makes the socket anew with each ssh.
  if (tunnel->engine == Engine::native && host.status(files.control).kind != os::FileKind::socket) {
    // The bastion is not silent: it cannot be asked.
    const auto nothing = [](const std::string&, bool) { return false; };
    ProbeAnswered answer = probe_rounds.finish_unseen(
        probe_rounds.begin(tunnel, action.forwards, nothing),
        {FailureClass::unknown, "ssh's control socket was deleted: the tunnel cannot be verified until it reconnects",
         "holdfast restart " + tunnel->name.text()});
    answer.request = action.request;
    return post_shared(std::move(answer));
  }
  auto round = probe_rounds.begin(
      tunnel, action.forwards, [this](const std::string& target, bool at_once) { return may_reach(target, at_once); });
  const auto id = action.request;
  for (const auto& target : probe_rounds.skipped_targets(round))
    if (const auto note = store::read_target_note(host, files.directory, target, os::since_boot()))
      probe_rounds.hear(target, note->answers ? std::nullopt : std::optional(note->why));
  if (round.forwards.empty())
    return check_path(action.timeout, [this, round, id](std::optional<double> rtt_ms) {
      post_answer(id, rtt_ms ? probe_rounds.finish_path(round, *rtt_ms) : ProbeAnswered{});
    });
  auto forwards = round.forwards;
  end_to_end->check(std::move(forwards), action.timeout, [this, round, id](ProbeAnswered answer) {
    keep_target_notes(round, answer);
    bound_check.learn(tunnel, open_forwards(round, answer), bastion_address());
    post_answer(id, probe_rounds.finish(round, std::move(answer)));
  });
}

bool LoopBase::may_reach(const std::string& target, bool at_once) {
  return store::take_target_probe(host, files.directory, target, os::since_boot(), at_once);
}

void LoopBase::forget_bounds() {
  bound_check.start_over();
  reporter.set_bounds({});
}

void LoopBase::post_answer(RequestId request, ProbeAnswered answer) {
  const auto post = [this, request, answer = std::move(answer)] {
    ProbeAnswered whole = bound_check.limit(tunnel, answer);
    whole.request = request;
    if (whole.kind == ProbeAnswered::Kind::silent) whole.connection = connection_status();
    post_shared(std::move(whole));
  };
  const bool needs_bounds =
      std::ranges::any_of(tunnel->forwards, [](const Forward& one) { return asks_for_all(one.listen()); });
  if (!needs_bounds) return post();
  bound_check.when_idle(post);
}

/// For the other tunnels to the same targets.
void LoopBase::keep_target_notes(const ProbeRounds::Round& round, const ProbeAnswered& answer) {
  const bool is_down = answer.kind == ProbeAnswered::Kind::target_down;
  if (!is_down && answer.kind != ProbeAnswered::Kind::verified) return;
  for (std::size_t at = 0; at < std::min(round.forwards.size(), answer.forwards.size()); ++at) {
    if (round.forwards[at] >= tunnel->forwards.size()) return;
    const Forward& forward = tunnel->forwards[round.forwards[at]];
    const auto target = end_text(forward.target());
    const bool answers = answer.forwards[at] == store::ForwardState::up;
    if (!answers && answer.forwards[at] != store::ForwardState::down) continue;
    store::TargetNote note{answers};
    // The answer has one cause, which may be about another target.
    const bool is_its_cause = answer.why && answer.why->message.find(target) != std::string::npos;
    if (!answers) note.why = is_its_cause ? *answer.why : ssh::explain(FailureClass::target_down, tunnel, forward);
    store::keep_target_note(host, files.directory, target, note, os::since_boot());
  }
}

/// Without a connection to a target: nothing listens on the bastion's discard port (RFC 863), and its answer says so.
void LoopBase::check_path(Milliseconds timeout, std::function<void(std::optional<double> rtt_ms)> on_answer) {
  ssh::mux::MuxClient* const master = control_master();
  if (master == nullptr) return;
  const ssh::mux::ProbeRequest request{
      .listen = TcpEnd{"127.0.0.1", 9}, .expect_ssh_banner = false, .reply = timeout, .stay_open = {}};
  const auto began = Clock::now();
  master->probe(request, [began, handler = std::move(on_answer)](const ssh::mux::ProbeAnswer& answer) {
    if (answer.kind == ssh::mux::ProbeAnswer::Kind::no_reply) return handler(std::nullopt);
    handler(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
  });
}

}  // namespace holdfast::supervisor
