#include "supervisor/autossh/loop.hpp"

#include "core/text.hpp"
#include "ssh/autossh/autossh_process.hpp"
#include "ssh/client/master.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/autossh/machine.hpp"
#include "supervisor/autossh/session.hpp"
#include "supervisor/loop/event_queue.hpp"
#include "supervisor/loop/process_services.hpp"
#include "supervisor/loop/timers.hpp"
#include "supervisor/probe/end_to_end.hpp"
#include "supervisor/report/reporter.hpp"
#include "supervisor/tunnel_rules.hpp"
#include "supervisor/watch/network.hpp"
#include "supervisor/watch/suspend.hpp"
#include "supervisor/watch/tunnel_file.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <csignal>
#include <utility>

namespace holdfast::supervisor {

struct AutosshLoop::Impl {
  os::Host& host;
  store::Paths paths;
  Tunnel tunnel;
  std::optional<Tunnel> reread;  ///< takes its place with the next autossh
  store::RuntimeFiles files;
  boost::filesystem::path program;
  ssh::Client client;
  const ServiceManager& manager;

  boost::asio::io_context context{1};
  ProcessServices process_services;
  EventQueue<autossh::Event> events;
  Timers timers;

  autossh::Machine machine;
  Reporter reporter;
  AutosshSession session;
  std::optional<EndToEnd> end_to_end;
  NetworkWatch network_watch;
  SuspendWatch suspend_watch;
  TunnelFileWatch tunnel_file_watch;
  std::optional<Error> end_reason;

  Impl(os::Host& real_host, store::Paths where, Tunnel wanted, store::RuntimeFiles runtime,
       boost::filesystem::path autossh_program, ssh::Client ssh_client, const ServiceManager& service_manager)
      : host(real_host),
        paths(std::move(where)),
        tunnel(std::move(wanted)),
        files(std::move(runtime)),
        program(std::move(autossh_program)),
        client(std::move(ssh_client)),
        manager(service_manager),
        process_services(context, manager, files,
                         {.on_probe_request = [this] { post(ProbeRequested{}); },
                          .on_reload = [this] { reload(); },
                          .on_stop = [this] { post(StopAsked{}); }}),
        events(context, [this](const autossh::Event& event, double chance) { handle(event, chance); }),
        timers(context, [this](Timer timer, Clock::duration) { post(TimerFired{timer}); }),
        machine(rules_of(tunnel)),
        reporter(host, paths, tunnel->name, files.live, manager),
        session(context, host, files,
                {.on_event = [this](autossh::Event event) { post(std::move(event)); },
                 .on_line = [this](const std::string& line) { reporter.log(line); }}),
        network_watch(context, [this] { post(NetworkGained{}); }),
        suspend_watch(context, [this] { post(Woke{}); }),
        tunnel_file_watch(
            context, host, paths, tunnel, [] {}, [this](const Error& error) { end(error); }) {
    reporter.set_tunnel(tunnel);
  }

  // --- events in

  void post(autossh::Event event) { events.post(std::move(event)); }

  void handle(const autossh::Event& event, double chance) {
    if (std::holds_alternative<autossh::SshStarted>(event)) {
      tunnel_file_watch.look();  // a tunnel that is another host's by now must not log in for ever
      end_to_end.emplace(context, session.mux(), files.probe, tunnel, [this] { return session.heard_since(); });
    }
    for (const auto& action : machine.on(event, host.now(), chance))
      std::visit([this](const auto& one) { execute(one); }, action);
    reporter.set_autossh(session.process());
    reporter.set_ssh(session.ssh());
    reporter.publish(machine.view());
  }

  // --- actions out

  void execute(const StartChild&) {
    end_to_end.reset();
    if (reread) {
      tunnel = *std::exchange(reread, std::nullopt);
      machine.set_rules(rules_of(tunnel));
      reporter.set_tunnel(tunnel);
    }
    if (const auto started = session.start(program, client, tunnel); !started) {
      const Error& error = started.error();
      const bool missing = !host.find_program(program.native());
      post(ChildFailedToStart{
          Diagnosis{missing ? FailureClass::ssh_missing : FailureClass::config, printable(error.line()), error.hint}});
    }
  }

  void execute(const EndChild& action) { session.signal(action.by_force ? SIGKILL : SIGTERM); }

  void execute(const autossh::RestartSsh& action) {
    if (action.by_force) return session.kill_ssh();
    session.signal(SIGUSR1);
  }

  void execute(const Probe& action) {
    if (!end_to_end) return;
    end_to_end->check(action.forwards, action.timeout, [this, id = action.request](ProbeAnswered answer) {
      answer.request = id;
      post(std::move(answer));
    });
  }

  void execute(const SetTimer& action) { timers.set(action.timer, action.wait); }

  void execute(const CancelTimer& action) { timers.cancel(action.timer); }

  // autossh that had to be killed leaves its ssh behind.
  void execute(const Quit&) {
    if (const auto ended = ssh::end_master(files.control, host, session.ssh()); !ended)
      reporter.log(ended.error().line());
    context.stop();
  }

  void reload() {
    auto fresh = store::load_changed(host, paths, tunnel);
    if (!fresh) return reporter.log("the tunnel file is not taken: " + fresh.error().line());
    if (!*fresh && !reread) return reporter.log("the tunnel file was read again: nothing changed");
    reread = *fresh ? **fresh : tunnel;
    post(Reloaded{(*reread)->forwards.size()});
  }

  void end(const Error& error) {
    if (end_reason) return;
    end_reason = error;
    reporter.log(error.line());
    manager.stopping();
    post(StopAsked{});
  }
};

AutosshLoop::AutosshLoop(os::Host& host, const store::Paths& paths, const Tunnel& tunnel,
                         const store::RuntimeFiles& files, boost::filesystem::path program, ssh::Client client,
                         const ServiceManager& manager)
    : impl_(std::make_unique<Impl>(host, paths, tunnel, files, std::move(program), std::move(client), manager)) {}

AutosshLoop::~AutosshLoop() = default;

Result<> AutosshLoop::run() {
  impl_->process_services.begin();
  impl_->reporter.log(fmt::format("holdfast {}, pid {}: {} to {}, restarted by {}", HOLDFAST_VERSION, ::getpid(),
                                  impl_->tunnel->name.text(), impl_->tunnel->bastion.text(), impl_->program.native()));
  impl_->post(Started{});
  impl_->context.run();
  if (impl_->end_reason) return *impl_->end_reason;
  return {};
}

}  // namespace holdfast::supervisor
