#include "supervisor/loop/loop.hpp"

#include "os/boot_clock.hpp"
#include "os/tcp_flow.hpp"
#include "ssh/client/failed_login.hpp"
#include "store/connection_limits.hpp"
#include "store/host_settings.hpp"
#include "store/known_crowds.hpp"
#include "supervisor/forwards_change.hpp"
#include "supervisor/loop/loop_impl.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

Loop::Impl::Impl(os::Host& real_host, store::Paths tunnel_paths, Tunnel initial_tunnel,
                 store::RuntimeFiles runtime_files, ssh::Client ssh_client, const ServiceManager& service_manager,
                 Companion* beside)
    : LoopBase(real_host, std::move(tunnel_paths), std::move(initial_tunnel), std::move(runtime_files),
               std::move(ssh_client), service_manager),
      active_tunnel(tunnel.via_bastion(0)),
      events(context, [this](const Event& event, double chance) { handle(event, chance); }),
      connections(store::read_last_connections(host, paths, tunnel->name, tunnel->bastion.text())),
      machine(rules()),
      session(context, host, files, beside != nullptr),
      knocker(context),
      takeover(context, host, paths, tunnel->name, files, client),
      failback_probe(context, host, files, client),
      verbose_login(context, host, files, client),
      stalled_login(context, host, client, [this](Diagnosis why) { post(LoginBlocked{std::move(why)}); }),
      flow_watch(
          context,
          [this](bool path_returned) {
            post(FlowChanged{connection_status(), path_returned});
          },
          [this] { post(FlowDead{}); }),
      tunes_connections(os::can_tune_children()),
      companion(beside) {
  make_bastion_watches();
  publish_route();
}

// The base destroys `end_to_end` after `mux`, which it refers to.
Loop::Impl::~Impl() { end_to_end.reset(); }

void Loop::Impl::make_bastion_watches() {
  bastion_watches.clear();
  for (std::size_t at = 0; at < tunnel.bastions(); ++at)
    bastion_watches.emplace_back(
        context, [this, at] { post(PathRestored{at}); }, [this, at] { post(PathRefused{at}); },
        [this, at](bool rejected) {
          post(PathBlocked{at, rejected});
        });
}

// --- the tunnel

Rules Loop::Impl::rules() {
  Rules rules = rules_of(active_tunnel);
  rules.spread = [this, by_clock = rules.spread](std::size_t bastion) {
    RetrySpread spread = by_clock(bastion);
    spread.is_watched = connections.last(tunnel.bastion(bastion).text()).has_value();
    return spread;
  };
  rules.bastions = tunnel.bastions();
  rules.standby = tunnel->host == k_any_host;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at)
    rules.previously_held.push_back(connections.is_stale_at(tunnel.bastion(at).text()));
  rules.no_login_before = stored_limits();
  rules.known_crowds = stored_crowds();
  rules.until_login = [this](std::size_t bastion, bool was_refused) {
    if (bastion >= tunnel.bastions()) return Milliseconds{0};
    const store::LoginLedger ledger(host, files.directory, tunnel.bastion(bastion).text());
    return ledger.until_login(identity(), was_refused, os::since_boot());
  };
  return rules;
}

/// By bastion. Never longer than a fresh pause, whatever the file or the wall clock says.
std::vector<std::optional<TimePoint>> Loop::Impl::stored_limits() const {
  std::vector<std::optional<TimePoint>> limits(tunnel.bastions());
  for (const auto& kept : store::read_connection_limits(host, paths, tunnel->name))
    for (std::size_t at = 0; at < limits.size(); ++at)
      if (const auto last = connections.last(tunnel.bastion(at).text()); last && last->peer == kept.bastion)
        limits[at] = host.now() + std::clamp(kept.no_login_before - host.wall_now(), Milliseconds{0}, k_limit_pause);
  return limits;
}

/// By bastion: when each one is forgotten.
std::vector<std::optional<TimePoint>> Loop::Impl::stored_crowds() const {
  std::vector<std::optional<TimePoint>> crowds(tunnel.bastions());
  for (const auto& kept : store::read_known_crowds(host, paths, tunnel->name)) {
    const auto age = std::max(host.wall_now() - kept.dropped_at, Milliseconds{0});
    for (std::size_t at = 0; at < crowds.size(); ++at)
      if (tunnel.bastion(at).text() == kept.bastion && age < k_crowd_memory)
        crowds[at] = host.now() + std::chrono::floor<Milliseconds>(k_crowd_memory - age);
  }
  return crowds;
}

void Loop::Impl::publish_route() {
  reporter.set_tunnel(active_tunnel);
  reporter.set_applied(tunnel);
  reporter.set_connection(connections.last(active_tunnel->bastion.text()));
}

void Loop::Impl::switch_to(std::size_t bastion) {
  if (active_tunnel->bastion == tunnel.bastion(bastion)) return;
  active_tunnel = tunnel.via_bastion(bastion);
  reporter.log("switching to bastion " + active_tunnel->bastion.text());
  publish_route();
}

void Loop::Impl::apply_reread() {
  const bool other_bastions = (*reread)->fallbacks != tunnel->fallbacks;
  tunnel = *std::exchange(reread, std::nullopt);
  active_tunnel = tunnel.via_bastion(std::min(machine.view().bastion, tunnel.bastions() - 1));
  if (other_bastions) make_bastion_watches();
  machine.set_rules(rules());
  publish_route();
}

void Loop::Impl::on_file_change() {
  if (store::is_shared(tunnel, paths)) reload();
}

// ForwardsChanged refers to the machine's present forwards by number, so the queue is emptied before and after.
void Loop::Impl::reload() {
  run_soon(context, [this] {
    events.handle_all();
    reload_now();
    events.handle_all();
  });
}

void Loop::Impl::reload_now() {
  if (const auto next = load_changed_tunnel()) change(*next, false);
}

void Loop::Impl::change(const Tunnel& wanted, bool new_login) {
  if (new_login || needs_new_login(tunnel, wanted) || (reread && needs_new_login(tunnel, *reread)))
    post(Reloaded{wanted->forwards.size(), wanted.bastions(),
                  wanted->bastion != tunnel->bastion || wanted->fallbacks != tunnel->fallbacks});
  else
    post(ForwardsChanged{find_forwards(tunnel, wanted)});
  reread = wanted;
}

LoopControl Loop::Impl::control() {
  return {.stop = [this] { post(StopRequested{}); },
          .change =
              [this](const Tunnel& wanted, bool new_login) {
                run_soon(context, [this, wanted, new_login] {
                  events.handle_all();
                  change(wanted, new_login);
                  events.handle_all();
                });
              },
          .log = [this](std::string_view line) { reporter.log(line); }};
}

// --- events

void Loop::Impl::post_shared(SharedEvent event) {
  std::visit([this](auto& one) { post(std::move(one)); }, event);
}

void Loop::Impl::handle(const Event& event, double chance) {
  const Actions actions = machine.on(event, host.now(), chance);
  for (const Action& action : actions) std::visit([this](const auto& one) { execute(one); }, action);
  log_ssh();
  const auto* probed = std::get_if<ProbeAnswered>(&event);
  if (std::holds_alternative<ControlReady>(event) || (probed != nullptr && probed->kind != ProbeAnswered::Kind::silent))
    session.forget_output();
  reporter.set_ssh(session.process());
  // Not before: until the login ssh may have several connections.
  if (machine.phase() == Phase::opening && session.process()) {
    connections.note(session.process()->pid, tunnel->keepalive);
    watch_flow();
  }
  if (machine.phase() == Phase::up) keep_connection();
  if (machine.phase() == Phase::up && tunnel->takeover)
    takeover.note([this](const std::string& line) { reporter.log(line); });
  reporter.publish(machine.view());
  if (companion != nullptr) companion->on_view(machine.view());
  after_event(machine.view(), probed != nullptr);
}

bool Loop::Impl::leaves_child() {
  const bool leaves = session.process() && has_successor(host, paths, tunnel->name, manager);
  if (leaves) reporter.log("stopping: ssh keeps running for the next supervisor");
  return leaves;
}

// --- ssh

void Loop::Impl::adopt(const Predecessor& predecessor) {
  reporter.log(fmt::format("adopting ssh {} of the previous supervisor", predecessor.ssh.pid));
  session.adopt(predecessor.ssh, [this] { on_exit(std::nullopt); });
  session.forget_output();
  switch_to(predecessor.bastion);
  connections.begin(active_tunnel->bastion.text(), predecessor.was_up);
  takeover.begin(active_tunnel->bastion);
  watch_flow();
  open_mux();
  for (const auto& forward : predecessor.forwards) bound_check.remember(forward.listen, forward.bound);
  reporter.set_bounds(bound_check.bounds());
  post(Adopted{predecessor.reconnects, predecessor.bastion});
}

void Loop::Impl::open_mux() {
  mux.emplace(context, files.control);
  probe_rounds.start_over();
  forget_bounds();
  make_end_to_end();
}

void Loop::Impl::make_end_to_end() {
  const auto take_log_lines = [this] {
    log_ssh();
    return ssh_lines.take();
  };
  end_to_end.emplace(context, *mux, files.probe, active_tunnel,
                     EndToEnd::Ssh{take_log_lines, [this] { return ssh_pid(); }});
}

void Loop::Impl::on_exit(std::optional<int> exit_code) {
  log_ssh();
  stalled_login.stop();
  flow_watch.stop();
  const ssh::SshOutput output = session.said(exit_code);
  auto why = diagnose(output);
  auto end = ssh::process_end(exit_code, output);
  const bool was_refused = why && why->retry_class() == FailureClass::auth;
  const bool was_login = machine.phase() == Phase::starting;
  if (was_login) note_login(was_refused ? store::LoginLedger::Event::refused : store::LoginLedger::Event::ended);
  if (was_login && why && needs_verbose_login(*why)) return explain_with_details(std::move(*why), std::move(end));
  post(ChildExited{std::move(why), std::move(end)});
}

std::optional<Diagnosis> Loop::Impl::diagnose(ssh::SshOutput output) const {
  if (const auto last = connections.last(active_tunnel->bastion.text())) output.last_address = last->peer.host;
  return ssh::diagnose_failed_login(host, client, std::move(output), active_tunnel);
}

/// The machine learns of the failed login when ssh has repeated it, which takes 2 s at most.
void Loop::Impl::explain_with_details(Diagnosis why, ssh::ProcessEnd end) {
  verbose_login.start(active_tunnel, [this, why = std::move(why), end = std::move(end)](auto output) {
    auto details = output ? diagnose(std::move(*output)) : std::nullopt;
    const bool is_better = details && explains_better(*details, why);
    post(ChildExited{is_better ? std::move(*details) : why, end});
  });
}

void Loop::Impl::note_login(store::LoginLedger::Event event) {
  store::LoginLedger(host, files.directory, active_tunnel->bastion.text()).note(event, identity(), os::since_boot());
}

void Loop::Impl::keep_connection() {
  if (!connections.keep()) return;
  (void)notice_routes();
  reporter.set_connection(connections.last(active_tunnel->bastion.text()));
  if (const auto kept = store::keep_last_connections(host, paths, tunnel->name, connections.all()); !kept)
    reporter.log(kept.error().line());
}

void Loop::Impl::log_ssh() {
  for (const auto& line : session.new_lines()) {
    ssh_lines.add(line);
    if (line != last_logged_line) reporter.log("ssh: " + line);
    last_logged_line = line;
  }
}

/// An ssh that is left to the next supervisor must outlive the pending requests.
void Loop::Impl::leave_ssh() {
  takeover.end();
  if (mux) mux->close();
}

// --- Loop

Loop::Loop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel, const store::RuntimeFiles& files,
           ssh::Client client, const ServiceManager& manager, std::optional<Predecessor> predecessor,
           Companion* companion)
    : impl_(std::make_unique<Impl>(host, paths, tunnel, files, std::move(client), manager, companion)),
      predecessor_(std::move(predecessor)) {}

Loop::~Loop() = default;

Result<> Loop::run() {
  const Tunnel& tunnel = impl_->tunnel;
  impl_->begin(fmt::format("holdfast {}, pid {}: {} to {}", HOLDFAST_VERSION, ::getpid(), tunnel->name.text(),
                           bastions_text(tunnel->bastion, tunnel->fallbacks)));
  if (impl_->companion != nullptr) impl_->companion->begin(impl_->context, impl_->control());
  if (predecessor_)
    impl_->adopt(*predecessor_);
  else
    impl_->post(Started{});
  if (store::is_shared(tunnel, impl_->paths)) impl_->tunnel_file_watch.start();
  auto result = impl_->run();
  impl_->leave_ssh();
  if (impl_->companion != nullptr) impl_->companion->end();
  return result;
}

}  // namespace holdfast::supervisor
