#include "supervisor/loop/loop.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/mux/mux_client.hpp"
#include "store/connection_limits.hpp"
#include "store/host_settings.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/forwards_change.hpp"
#include "supervisor/loop/connections.hpp"
#include "supervisor/loop/event_queue.hpp"
#include "supervisor/loop/process_services.hpp"
#include "supervisor/loop/ssh_session.hpp"
#include "supervisor/loop/timers.hpp"
#include "supervisor/machine/fleet_spread.hpp"
#include "supervisor/machine/machine.hpp"
#include "supervisor/probe/end_to_end.hpp"
#include "supervisor/probe/failback_probe.hpp"
#include "supervisor/report/reporter.hpp"
#include "supervisor/stale/knock.hpp"
#include "supervisor/stale/stale_port_diagnosis.hpp"
#include "supervisor/stale/takeover.hpp"
#include "supervisor/tunnel_rules.hpp"
#include "supervisor/watch/bastion.hpp"
#include "supervisor/watch/network.hpp"
#include "supervisor/watch/suspend.hpp"
#include "supervisor/watch/tunnel_file.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr ssh::mux::Deadline k_forward_deadline(10000);  // the bastion may resolve names and ask PAM
constexpr std::chrono::seconds k_far_too_late(5);        // a timer this late: we were frozen, or the machine slept

}  // namespace

struct Loop::Impl {
  os::Host& host;
  store::Paths paths;
  Tunnel tunnel;
  Tunnel active_tunnel;          ///< the same by the bastion in use alone
  std::optional<Tunnel> reread;  ///< takes its place with the next ssh
  store::RuntimeFiles files;
  ssh::Client client;
  const ServiceManager& manager;

  boost::asio::io_context context{1};
  ProcessServices process_services;
  EventQueue<Event> events;
  Timers timers;

  Connections connections;
  Machine machine;
  Reporter reporter;
  SshSession session;
  std::optional<ssh::mux::MuxClient> mux;
  std::optional<EndToEnd> end_to_end;
  Knocker knocker;
  Takeover takeover;
  std::deque<BastionWatch> path_watches;  ///< by bastion
  FailbackProbe failback_probe;
  NetworkWatch network_watch;
  SuspendWatch suspend_watch;
  TunnelFileWatch tunnel_file_watch;
  std::optional<Error> end_reason;
  std::size_t closing = 0;  ///< forwards whose end is waited for
  std::string heard;        ///< lines of ssh's log since end_to_end last asked
  std::string last_line;

  Impl(os::Host& real_host, store::Paths where, Tunnel wanted, store::RuntimeFiles runtime, ssh::Client ssh_client,
       const ServiceManager& service_manager)
      : host(real_host),
        paths(std::move(where)),
        tunnel(std::move(wanted)),
        active_tunnel(tunnel.via_bastion(0)),
        files(std::move(runtime)),
        client(std::move(ssh_client)),
        manager(service_manager),
        process_services(context, manager, files,
                         {.on_probe_request = [this] { post(ProbeRequested{}); },
                          .on_reload = [this] { reload_soon(); },
                          .on_stop = [this] { stop(); }}),
        events(context, [this](const Event& event, double chance) { handle(event, chance); }),
        timers(context,
               [this](Timer timer, Clock::duration late) {
                 if (late > k_far_too_late) post(Woke{});
                 post(TimerFired{timer});
               }),
        connections(store::read_last_connections(host, paths, tunnel->name, tunnel->bastion.text())),
        machine(rules()),
        reporter(host, paths, tunnel->name, files.live, manager),
        session(context, host, files),
        knocker(context),
        takeover(context, host, paths, tunnel->name, files, client),
        failback_probe(context, host, files, client),
        network_watch(context, [this] { post(NetworkGained{way_of_connection()}); }),
        suspend_watch(context, [this] { post(Woke{}); }),
        tunnel_file_watch(
            context, host, paths, tunnel,
            [this] {
              if (store::is_shared(tunnel, paths)) reload_soon();
            },
            [this](const Error& error) { end(error); }) {
    make_path_watches();
    publish_route();
  }

  void make_path_watches() {
    path_watches.clear();
    for (std::size_t at = 0; at < tunnel.bastions(); ++at)
      path_watches.emplace_back(
          context, [this, at] { post(PathBack{at}); }, [this, at] { post(PathRefused{at}); },
          [this, at](bool rejected) {
            post(PathBlocked{at, rejected});
          });
  }

  void publish_route() {
    reporter.set_tunnel(active_tunnel);
    reporter.set_connection(connections.last(active_tunnel->bastion.text()));
  }

  [[nodiscard]] Rules rules() {
    Rules rules = rules_of(active_tunnel);
    rules.spread = [this, by_clock = rules.spread](std::size_t bastion) {
      RetrySpread spread = by_clock(bastion);
      if (can_look_at(bastion)) spread.spread_delay = spread_delay(retry_slot_of(tunnel->forwards.front()), k_spread);
      return spread;
    };
    rules.bastions = tunnel.bastions();
    rules.standby = tunnel->host == k_any_host;
    for (std::size_t at = 0; at < tunnel.bastions(); ++at)
      rules.previously_held.push_back(connections.is_stale_at(tunnel.bastion(at).text()));
    rules.no_login_before = kept_limits();
    return rules;
  }

  /// By bastion. Whatever the file or the wall clock says, no wait is longer than a fresh pause.
  [[nodiscard]] std::vector<std::optional<TimePoint>> kept_limits() const {
    std::vector<std::optional<TimePoint>> limits(tunnel.bastions());
    for (const auto& kept : store::read_connection_limits(host, paths, tunnel->name))
      for (std::size_t at = 0; at < limits.size(); ++at)
        if (const auto last = connections.last(tunnel.bastion(at).text()); last && last->peer == kept.bastion)
          limits[at] = host.now() + std::clamp(kept.no_login_before - host.wall_now(), Milliseconds{0}, k_limit_pause);
    return limits;
  }

  [[nodiscard]] bool can_look_at(std::size_t bastion) const {
    return connections.last(tunnel.bastion(bastion).text()).has_value();
  }

  [[nodiscard]] NetworkGained::Way way_of_connection() const {
    const auto pair = connections.current();
    switch (pair ? os::route_status_of(*pair) : os::RouteStatus::same) {
      case os::RouteStatus::same:
        return NetworkGained::Way::same;
      case os::RouteStatus::elsewhere:
        return NetworkGained::Way::elsewhere;
      case os::RouteStatus::lost:
        return NetworkGained::Way::lost;
    }
    return NetworkGained::Way::same;
  }

  // --- events in

  void post(Event event) { events.post(std::move(event)); }

  void handle(const Event& event, double chance) {
    const Actions actions = machine.on(event, host.now(), chance);
    for (const Action& action : actions) std::visit([this](const auto& one) { execute(one); }, action);
    log_ssh();
    reporter.set_ssh(session.process());
    // Not sooner: an ssh that is not logged in yet may have several.
    if (machine.phase() == Phase::opening && session.process()) connections.note(session.process()->pid);
    if (machine.phase() == Phase::up) keep_connection();
    if (machine.phase() == Phase::up && tunnel->takeover)
      takeover.note([this](const std::string& line) { reporter.log(line); });
    reporter.publish(machine.view());
  }

  // --- actions out

  void execute(const StartChild& action) {
    tunnel_file_watch.look();
    closing = 0;
    if (reread) take_reread();
    switch_to(action.bastion);
    connections.begin(active_tunnel->bastion.text());
    takeover.begin(active_tunnel->bastion);
    const os::Command command{.argv = session_arguments(client, active_tunnel, files),
                              .environment = ssh::job_environment(host, host.user())};
    const auto started = session.start(
        command, [this] { post(ControlReady{}); }, [this](int exit_code) { on_exit(exit_code); });
    if (!started) {
      const Error& error = started.error();
      const bool missing = !host.find_program(client.program.native());
      return post(ChildFailedToStart{
          Diagnosis{missing ? FailureClass::ssh_missing : FailureClass::unknown, printable(error.line()), error.hint}});
    }
    speak_with_it();
  }

  void speak_with_it() {
    mux.emplace(context, files.control);
    look_through_it();
  }

  void look_through_it() {
    end_to_end.emplace(context, *mux, files.probe, active_tunnel, [this] { return heard_since(); });
  }

  void switch_to(std::size_t bastion) {
    if (active_tunnel->bastion == tunnel.bastion(bastion)) return;
    active_tunnel = tunnel.via_bastion(bastion);
    reporter.log("by way of " + active_tunnel->bastion.text());
    publish_route();
  }

  void take_reread() {
    const bool other_bastions = (*reread)->fallbacks != tunnel->fallbacks;
    tunnel = *std::exchange(reread, std::nullopt);
    active_tunnel = tunnel.via_bastion(std::min(machine.view().bastion, tunnel.bastions() - 1));
    if (other_bastions) make_path_watches();
    machine.set_rules(rules());
    publish_route();
  }

  // What is taken away first: a forward to another target may want the same port.
  void execute(const ChangeForwards& action) {
    const Tunnel before = tunnel;
    if (reread) take_reread();
    if (mux) look_through_it();  // what is known of the former forwards is not true of these
    if (action.request == 0) return;
    reporter.log(fmt::format("the forwards changed: {} closed, {} now", action.close.size(), tunnel->forwards.size()));
    closing = action.close.size();
    if (closing == 0) return post(ForwardsClosed{action.request});
    for (const std::size_t at : action.close)
      mux->close_forward(before->forwards.at(at), k_forward_deadline,
                         [this, id = action.request](const ssh::mux::Answer&) {
                           if (closing != 0 && --closing == 0) post(ForwardsClosed{id});
                         });
  }

  void adopt(const Predecessor& predecessor) {
    reporter.log(fmt::format("ssh {} of a former supervisor goes on", predecessor.ssh.pid));
    session.adopt(predecessor.ssh, [this] { on_exit(std::nullopt); });
    switch_to(predecessor.bastion);
    connections.begin(active_tunnel->bastion.text(), predecessor.was_up);
    takeover.begin(active_tunnel->bastion);
    speak_with_it();
    post(Adopted{predecessor.reconnects, predecessor.bastion});
  }

  void on_exit(std::optional<int> exit_code) {
    log_ssh();
    const ssh::Said said = session.said(exit_code);
    post(ChildExited{ssh::diagnose(said, active_tunnel), ssh::process_end(exit_code, said)});
  }

  void execute(const EndChild& action) { session.signal(action.by_force ? SIGKILL : SIGTERM); }

  void execute(const OpenForward& action) {
    mux->open_forward(tunnel->forwards.at(action.forward), k_forward_deadline,
                      [this, id = action.request](const ssh::mux::Answer& answer) {
                        using Kind = ForwardAnswered::Kind;
                        Kind kind = Kind::no_reply;
                        if (std::holds_alternative<ssh::mux::Granted>(answer)) kind = Kind::granted;
                        if (std::holds_alternative<ssh::mux::Refused>(answer)) kind = Kind::refused;
                        post(ForwardAnswered{id, kind});
                      });
  }

  void execute(const FindPortHolder& action) {
    end_to_end->find_port_holder(action.forward, action.closely,
                                 [this, id = action.request](PortHolderAnswered answer) {
                                   answer.request = id;
                                   post(std::move(answer));
                                 });
  }

  void execute(const Knock& action) {
    const Forward& forward = tunnel->forwards.at(action.forward);
    const auto stale = connections.stale();
    if (!stale)
      return post(KnockAnswered{.gone = true,
                                .why = diagnose_missing_knock(connections.is_behind_proxy(), active_tunnel, forward)});
    knocker.knock(*stale, [this, forward, stale_pair = *stale](KnockResult result) {
      // An address that is not ours now may be ours again.
      if (result == KnockResult::answered) connections.forget_stale(stale_pair);
      const bool gone = result == KnockResult::answered || result == KnockResult::impossible;
      post(KnockAnswered{.gone = gone, .why = diagnose_failed_knock(result, stale_pair, active_tunnel, forward)});
    });
  }

  // A socket's file stays in the way when its session is gone.
  void execute(const TakeOver& action) {
    const Forward& forward = tunnel->forwards.at(action.forward);
    if (std::holds_alternative<SocketEnd>(forward.listen())) return post(TakeoverAnswered{.request = action.request});
    takeover.end_stale(active_tunnel, forward, [this, action](std::optional<Diagnosis> why) {
      if (!why) reporter.log("takeover: the stale session on " + active_tunnel->bastion.text() + " was ended");
      const bool freed = !why;
      post(TakeoverAnswered{.request = action.request, .freed = freed, .why = std::move(why)});
    });
  }

  void execute(const Probe& action) {
    end_to_end->check(action.forwards, action.timeout, [this, id = action.request](ProbeAnswered answer) {
      answer.request = id;
      post(std::move(answer));
    });
  }

  void execute(const SetTimer& action) { timers.set(action.timer, action.wait); }

  void execute(const CancelTimer& action) { timers.cancel(action.timer); }

  void execute(const WatchPath& action) {
    // Of a file that was read again the machine knows the bastions before the next ssh takes them.
    if (action.bastion >= path_watches.size()) return;
    auto& watch = path_watches.at(action.bastion);
    const auto last = action.on ? connections.last(tunnel.bastion(action.bastion).text()) : std::nullopt;
    if (last) return watch.start(last->peer, retry_slot_of(tunnel->forwards.front()), action);
    watch.stop();
  }

  void execute(const NoteLimit& action) {
    if (action.bastion >= tunnel.bastions()) return;  // as above
    const std::string name = tunnel.bastion(action.bastion).text();
    const auto last = connections.last(name);
    if (!last) return;
    std::optional<WallTime> until;
    if (action.no_login_before)
      until = host.wall_now() + std::chrono::ceil<Milliseconds>(*action.no_login_before - host.now());
    reporter.log(
        until ? fmt::format("a firewall at {} limits new connections: no login before {}", name, to_rfc3339(*until))
              : fmt::format("a login at {} worked: new connections are not limited any more", name));
    if (const auto kept = store::keep_connection_limit(host, paths, tunnel->name, last->peer, until); !kept)
      reporter.log(kept.error().line());
  }

  // Where another host may rightly have the ports, they say nothing.
  void execute(const StartFailbackProbe& action) {
    const Tunnel better = tunnel.via_bastion(action.bastion);
    const auto stale = connections.stale_at(better->bastion.text());
    failback_probe.start(
        better, stale, tunnel->host != k_any_host, [this, at = action.bastion](std::optional<Diagnosis> why) {
          if (why) reporter.log(fmt::format("{} is not well yet: {}", tunnel.bastion(at).text(), why->message));
          post(FailbackProbeAnswered{at, std::move(why)});
        });
  }

  void execute(const EndFailbackProbe&) { failback_probe.end(); }

  void execute(const Quit&) { context.stop(); }

  // --- what is noted on the way

  void keep_connection() {
    if (!connections.keep()) return;
    reporter.set_connection(connections.last(active_tunnel->bastion.text()));
    if (const auto kept = store::keep_last_connections(host, paths, tunnel->name, connections.all()); !kept)
      reporter.log(kept.error().line());
  }

  void log_ssh() {
    for (const auto& line : session.new_lines()) {
      heard += line + "\n";
      if (line != last_line) reporter.log("ssh: " + line);
      last_line = line;
    }
    constexpr std::size_t k_enough = 16 * 1024;
    if (heard.size() > k_enough) heard.erase(0, heard.size() - k_enough);
  }

  std::string heard_since() {
    log_ssh();
    return std::exchange(heard, {});
  }

  void stop() {
    const bool leaves = session.process() && has_successor(host, paths, tunnel->name, manager);
    if (leaves) reporter.log("told to stop; ssh is left for who comes next");
    post(StopAsked{.leave_child = leaves});
  }

  /// The machine is told by which of its forwards the new ones are: whatever waits is about these, and goes first.
  void reload_soon() {
    run_soon(context, [this] {
      events.take_all();
      reload();
      events.take_all();
    });
  }

  void reload() {
    auto fresh = store::load_changed(host, paths, tunnel);
    if (!fresh) return reporter.log("the tunnel file is not taken: " + fresh.error().line());
    if (!*fresh && !reread) return reporter.log("the tunnel file was read again: nothing changed");
    const Tunnel next = *fresh ? **fresh : tunnel;
    if (needs_new_login(tunnel, next) || (reread && needs_new_login(tunnel, *reread)))
      post(Reloaded{next->forwards.size(), next.bastions(),
                    next->bastion != tunnel->bastion || next->fallbacks != tunnel->fallbacks});
    else
      post(ForwardsChanged{find_forwards(tunnel, next)});
    reread = next;
  }

  /// An ssh that is left to the next supervisor must outlive the requests that are under way.
  void leave_ssh() {
    takeover.end();
    if (mux) mux->close();
  }

  void end(const Error& error) {
    if (end_reason) return;
    end_reason = error;
    reporter.log(error.line());
    manager.stopping();
    post(StopAsked{});
  }
};

Loop::Loop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel, const store::RuntimeFiles& files,
           ssh::Client client, const ServiceManager& manager, std::optional<Predecessor> predecessor)
    : impl_(std::make_unique<Impl>(host, paths, tunnel, files, std::move(client), manager)),
      predecessor_(std::move(predecessor)) {}

Loop::~Loop() = default;

Result<> Loop::run() {
  impl_->process_services.begin();
  impl_->reporter.log(fmt::format("holdfast {}, pid {}: {} to {}", HOLDFAST_VERSION, ::getpid(),
                                  impl_->tunnel->name.text(),
                                  bastions_text(impl_->tunnel->bastion, impl_->tunnel->fallbacks)));
  if (predecessor_)
    impl_->adopt(*predecessor_);
  else
    impl_->post(Started{});
  if (store::is_shared(impl_->tunnel, impl_->paths)) impl_->tunnel_file_watch.start();
  impl_->context.run();
  impl_->leave_ssh();
  if (impl_->end_reason) return *impl_->end_reason;
  return {};
}

}  // namespace holdfast::supervisor
