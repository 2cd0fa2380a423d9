#include "supervisor/autossh/loop.hpp"

#include "os/boot_clock.hpp"
#include "ssh/client/master.hpp"
#include "store/login_ledger.hpp"
#include "supervisor/autossh/machine.hpp"
#include "supervisor/autossh/session.hpp"
#include "supervisor/loop/event_queue.hpp"
#include "supervisor/loop/loop_base.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_logins_at_once = 2;  // after a refused login, autossh starts the next one before it is ended

}  // namespace

struct AutosshLoop::Impl final : LoopBase {
  boost::filesystem::path program;
  EventQueue<autossh::Event> events;
  autossh::Machine machine;
  AutosshSession session;
  std::optional<os::TcpPair> connection;  ///< Of the last ssh that logged in.
  bool last_refused = false;              ///< The login that ended last was.
  bool repeats_refused = false;           ///< The login under way follows a refused one.

  Impl(os::Host& real_host, store::Paths tunnel_paths, Tunnel initial_tunnel, store::RuntimeFiles runtime_files,
       boost::filesystem::path autossh_program, ssh::Client ssh_client, const ServiceManager& service_manager)
      : LoopBase(real_host, std::move(tunnel_paths), std::move(initial_tunnel), std::move(runtime_files),
                 std::move(ssh_client), service_manager),
        program(std::move(autossh_program)),
        events(context, [this](const autossh::Event& event, double chance) { handle(event, chance); }),
        machine(rules()),
        session(context, host, files,
                {.on_event = [this](autossh::Event event) { post(std::move(event)); },
                 .on_line = [this](const std::string& line) { reporter.log(line); }}) {
    reporter.set_tunnel(tunnel);
    reporter.set_applied(tunnel);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  // The base destroys `end_to_end` after the session's mux, which it refers to.
  ~Impl() override { end_to_end.reset(); }

  [[nodiscard]] Rules rules() {
    Rules rules = rules_of(tunnel);
    rules.until_login = [this](std::size_t, bool was_refused) {
      return ledger().until_login(identity(), was_refused, os::since_boot(), k_logins_at_once);
    };
    return rules;
  }

  // --- the logins of all tunnels

  [[nodiscard]] store::LoginLedger ledger() { return {host, files.directory, tunnel->bastion.text()}; }
  [[nodiscard]] std::string identity() const { return tunnel->identity ? tunnel->identity->native() : std::string(); }

  void note_login(const autossh::Event& event) {
    using Noted = store::LoginLedger::Event;
    const auto note = [this](Noted what) { ledger().note(what, identity(), os::since_boot()); };
    const auto* const ended = std::get_if<autossh::SshEnded>(&event);
    if (std::holds_alternative<autossh::SshStarted>(event)) {
      note(Noted::begun);
      repeats_refused = std::exchange(last_refused, false);
    } else if (std::holds_alternative<ControlReady>(event)) {
      note(Noted::accepted);
      repeats_refused = false;
    } else if (ended != nullptr || std::holds_alternative<ChildExited>(event)) {
      last_refused = ended != nullptr && ended->why && ended->why->retry_class() == FailureClass::auth;
      // A login that repeats a refused one is ended while the server checks it, which counts as well.
      if (last_refused || repeats_refused)
        note(Noted::refused);
      else if (ended != nullptr)
        note(Noted::ended);
      repeats_refused = false;
    }
  }

  // --- events

  void post(autossh::Event event) { events.post(std::move(event)); }

  void post_shared(SharedEvent event) override {
    std::visit([this](auto& one) { post(std::move(one)); }, event);
  }

  void handle(const autossh::Event& event, double chance) {
    note_login(event);
    if (std::holds_alternative<autossh::SshStarted>(event)) {
      credential_watch.note(tunnel);
      name_watch.note_attempt();
      tunnel_file_watch.check();  // autossh logs in again even when the tunnel belongs to another host by now
      end_to_end.emplace(context, session.mux(), files.probe, tunnel,
                         EndToEnd::Ssh{[this] { return session.take_log_lines(); }, [this] { return ssh_pid(); }});
      probe_rounds.start_over();
      forget_bounds();
    }
    if (std::holds_alternative<ControlReady>(event) && session.ssh()) {
      connection = os::established_connection(session.ssh()->pid);
      (void)notice_routes();
    }
    for (const auto& action : machine.on(event, host.now(), chance))
      std::visit([this](const auto& one) { execute(one); }, action);
    reporter.set_autossh(session.process());
    reporter.set_ssh(session.ssh());
    reporter.publish(machine.view());
    after_event(machine.view(), std::holds_alternative<ProbeAnswered>(event));
  }

  [[nodiscard]] ssh::mux::MuxClient* control_master() override { return &session.mux(); }
  [[nodiscard]] std::optional<pid_t> ssh_pid() const override {
    return session.ssh() ? std::optional(session.ssh()->pid) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::string> bastion_address() const override {
    return connection ? std::optional(connection->peer.host) : std::nullopt;
  }
  [[nodiscard]] ConnectionStatus connection_status() const override {
    return {.route = connection ? os::route_status_of(*connection) : os::RouteStatus::same};
  }
  [[nodiscard]] std::vector<std::string> route_peers() const override {
    if (!connection) return {};
    return {connection->peer.host};
  }

  void reload() override {
    const auto next = load_changed_tunnel();
    if (!next) return;
    reread = next;
    post(Reloaded{(*next)->forwards.size()});
  }

  // --- actions

  using LoopBase::execute;

  void execute(const StartChild&) {
    end_to_end.reset();
    if (reread) {
      tunnel = *std::exchange(reread, std::nullopt);
      machine.set_rules(rules());
      reporter.set_tunnel(tunnel);
      reporter.set_applied(tunnel);
    }
    if (const auto started = session.start(program, client, tunnel); !started)
      post(failed_to_start(started.error(), program, FailureClass::config));
  }

  void execute(const EndChild& action) { session.signal(action.by_force ? SIGKILL : SIGTERM); }

  void execute(const autossh::RestartSsh& action) {
    if (action.by_force) return session.kill_ssh();
    session.signal(SIGUSR1);
  }

  // A killed autossh leaves its ssh behind.
  void execute(const Quit&) {
    if (const auto ended = ssh::end_master(files.control, host, session.ssh()); !ended)
      reporter.log(ended.error().line());
    context.stop();
  }
};

AutosshLoop::AutosshLoop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel,
                         const store::RuntimeFiles& files, boost::filesystem::path program, ssh::Client client,
                         const ServiceManager& manager)
    : impl_(std::make_unique<Impl>(host, paths, tunnel, files, std::move(program), std::move(client), manager)) {}

AutosshLoop::~AutosshLoop() = default;

Result<> AutosshLoop::run() {
  impl_->begin(fmt::format("holdfast {}, pid {}: {} to {}, restarted by {}", HOLDFAST_VERSION, ::getpid(),
                           impl_->tunnel->name.text(), impl_->tunnel->bastion.text(), impl_->program.native()));
  impl_->post(Started{});
  return impl_->run();
}

}  // namespace holdfast::supervisor
