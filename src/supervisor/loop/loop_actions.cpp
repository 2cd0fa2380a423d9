#include "ssh/diagnosis/diagnosis.hpp"
#include "store/connection_limits.hpp"
#include "store/known_crowds.hpp"
#include "supervisor/loop/loop_impl.hpp"
#include "supervisor/machine/fleet_spread.hpp"
#include "supervisor/stale/stale_port_diagnosis.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <csignal>
#include <utility>

namespace holdfast::supervisor {

void Loop::Impl::execute(const StartChild& action) {
  tunnel_file_watch.check();
  runtime_directory.check();
  pending_closes = 0;
  if (reread) apply_reread();
  switch_to(action.bastion);
  connections.begin(active_tunnel->bastion.text());
  takeover.begin(active_tunnel->bastion);
  credential_watch.note(active_tunnel);
  name_watch.note_attempt();
  const os::Command command{.argv = session_arguments(client, active_tunnel, files, keepalive()),
                            .environment = ssh::job_environment(host, host.user())};
  const auto started = session.start(
      command,
      [this] {
        stalled_login.stop();
        note_login(store::LoginLedger::Event::accepted);
        post(ControlReady{});
      },
      [this](int exit_code) { on_exit(exit_code); });
  if (!started) return post(failed_to_start(started.error(), client.program, FailureClass::unknown));
  note_login(store::LoginLedger::Event::begun);
  stalled_login.start(active_tunnel);
  open_mux();
}

void Loop::Impl::execute(const EndChild& action) {
  stalled_login.stop();
  flow_watch.stop();
  session.signal(action.by_force ? SIGKILL : SIGTERM);
  verbose_login.end();
}

void Loop::Impl::execute(const OpenForward& action) {
  mux->open_forward(
      tunnel->forwards.at(action.forward), k_forward_timeout,
      [this, id = action.request](const ssh::mux::Answer& answer) {
        using Kind = ForwardAnswered::Kind;
        Kind kind = Kind::no_reply;
        if (std::holds_alternative<ssh::mux::Granted>(answer)) kind = Kind::granted;
        if (std::holds_alternative<ssh::mux::Refused>(answer)) kind = Kind::refused;
        post(ForwardAnswered{id, kind, kind == Kind::no_reply ? connection_status() : ConnectionStatus{}});
      });
}

// Closes the removed forwards first: an added one may use the same port with another target.
void Loop::Impl::execute(const ChangeForwards& action) {
  const Tunnel before = tunnel;
  if (reread) apply_reread();
  probe_rounds.start_over();
  if (mux) make_end_to_end();  // its answers belong to the previous forwards
  if (action.request == 0) return;
  reporter.log(fmt::format("the forwards changed: {} closed, {} now", action.close.size(), tunnel->forwards.size()));
  pending_closes = action.close.size();
  if (pending_closes == 0) return post(ForwardsClosed{action.request});
  for (const std::size_t at : action.close)
    mux->close_forward(before->forwards.at(at), k_forward_timeout,
                       [this, id = action.request](const ssh::mux::Answer&) {
                         if (pending_closes != 0 && --pending_closes == 0) post(ForwardsClosed{id});
                       });
}

void Loop::Impl::execute(const FindPortHolder& action) {
  end_to_end->find_port_holder(action.forward, action.await_target,
                               [this, id = action.request](PortHolderAnswered answer) {
                                 answer.request = id;
                                 post(std::move(answer));
                               });
}

void Loop::Impl::execute(const Knock& action) {
  const Forward& forward = tunnel->forwards.at(action.forward);
  const auto stale = connections.stale();
  if (!stale)
    return post(KnockAnswered{.session_gone = true,
                              .why = diagnose_missing_knock(connections.is_behind_proxy(), active_tunnel, forward)});
  knocker.knock(*stale, [this, forward, stale_pair = *stale](KnockResult result) {
    // After `impossible` the connection stays known: this machine may get its address back.
    if (result == KnockResult::answered) connections.forget_stale(stale_pair);
    const bool session_gone = result == KnockResult::answered || result == KnockResult::impossible;
    post(KnockAnswered{.session_gone = session_gone,
                       .why = diagnose_failed_knock(result, stale_pair, active_tunnel, forward)});
  });
}

// Ending the session does not free a unix socket: its file stays.
void Loop::Impl::execute(const TakeOver& action) {
  const Forward& forward = tunnel->forwards.at(action.forward);
  if (std::holds_alternative<SocketEnd>(forward.listen())) return post(TakeoverAnswered{.request = action.request});
  takeover.end_stale(active_tunnel, forward, [this, action](std::optional<Diagnosis> why) {
    if (!why) reporter.log("takeover: ended the stale session on " + active_tunnel->bastion.text());
    const bool freed = !why;
    post(TakeoverAnswered{.request = action.request, .freed = freed, .why = std::move(why)});
  });
}

// The machine knows the bastions of a reloaded file before StartChild applies it here: ignore numbers beyond the list.
void Loop::Impl::execute(const WatchPath& action) {
  if (action.bastion >= bastion_watches.size()) return;
  auto& watch = bastion_watches.at(action.bastion);
  const auto last = action.on ? connections.last(tunnel.bastion(action.bastion).text()) : std::nullopt;
  if (last) return watch.start(last->peer, retry_slot_of(tunnel->forwards.front()), action);
  watch.stop();
}

void Loop::Impl::execute(const NoteLimit& action) {
  if (action.bastion >= tunnel.bastions()) return;
  const std::string name = tunnel.bastion(action.bastion).text();
  const auto last = connections.last(name);
  if (!last) return;
  std::optional<WallTime> until;
  if (action.no_login_before)
    until = host.wall_now() + std::chrono::ceil<Milliseconds>(*action.no_login_before - host.now());
  reporter.log(
      until ? fmt::format("a firewall at {} limits new connections: no login before {}", name, to_rfc3339(*until))
            : fmt::format("the login to {} worked: new connections are no longer limited", name));
  if (const auto kept = store::keep_connection_limit(host, paths, tunnel->name, last->peer, until); !kept)
    reporter.log(kept.error().line());
}

void Loop::Impl::execute(const NoteCrowd& action) {
  if (action.bastion >= tunnel.bastions()) return;
  const std::string name = tunnel.bastion(action.bastion).text();
  reporter.log(
      fmt::format("{} dropped a login, because many tunnels log in at the same moment: for {} days this tunnel "
                  "spreads its logins over {} s",
                  name, std::chrono::floor<std::chrono::days>(k_crowd_memory).count(),
                  std::chrono::floor<std::chrono::seconds>(k_careful_spread).count()));
  if (const auto kept = store::keep_known_crowd(host, paths, tunnel->name, name, host.wall_now()); !kept)
    reporter.log(kept.error().line());
}

// With host = any another host may hold the ports, so a refusal says nothing about the bastion.
void Loop::Impl::execute(const StartFailbackProbe& action) {
  const Tunnel better = tunnel.via_bastion(action.bastion);
  const auto stale = connections.stale_at(better->bastion.text());
  failback_probe.start(
      better, stale, tunnel->host != k_any_host, [this, at = action.bastion](std::optional<Diagnosis> why) {
        if (why)
          reporter.log(fmt::format("the failback probe of {} failed: {}", tunnel.bastion(at).text(), why->message));
        post(FailbackProbeAnswered{at, std::move(why)});
      });
}

void Loop::Impl::execute(const EndFailbackProbe&) { failback_probe.end(); }

void Loop::Impl::execute(const Quit&) { context.stop(); }

}  // namespace holdfast::supervisor
