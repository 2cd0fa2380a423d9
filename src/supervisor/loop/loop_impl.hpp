// The parts of Loop. loop.cpp connects them and turns what happens into events; loop_actions.cpp executes the actions.
#pragma once

#include "ssh/mux/mux_client.hpp"
#include "store/login_ledger.hpp"
#include "supervisor/loop/connections.hpp"
#include "supervisor/loop/event_queue.hpp"
#include "supervisor/loop/log_tail.hpp"
#include "supervisor/loop/loop.hpp"
#include "supervisor/loop/loop_base.hpp"
#include "supervisor/loop/ssh_session.hpp"
#include "supervisor/machine/machine.hpp"
#include "supervisor/probe/failback_probe.hpp"
#include "supervisor/probe/verbose_login.hpp"
#include "supervisor/stale/knock.hpp"
#include "supervisor/stale/takeover.hpp"
#include "supervisor/watch/bastion.hpp"
#include "supervisor/watch/flow.hpp"
#include "supervisor/watch/stalled_login.hpp"

#include <deque>
#include <string>

namespace holdfast::supervisor {

struct Loop::Impl final : LoopBase {
  Tunnel active_tunnel;  ///< `tunnel` via the bastion in use only.
  EventQueue<Event> events;
  Connections connections;
  Machine machine;
  SshSession session;
  std::optional<ssh::mux::MuxClient> mux;
  Knocker knocker;
  Takeover takeover;
  std::deque<BastionWatch> bastion_watches;  ///< By bastion.
  FailbackProbe failback_probe;
  VerboseLogin verbose_login;
  StalledLogin stalled_login;
  FlowWatch flow_watch;
  bool tunes_connections;          ///< See os::can_tune_children().
  std::size_t pending_closes = 0;  ///< Forwards of a ChangeForwards that are not closed yet.
  RecentLines ssh_lines;           ///< Since end_to_end last asked.
  std::string last_logged_line;
  Companion* companion;

  Impl(os::Host& real_host, store::Paths tunnel_paths, Tunnel initial_tunnel, store::RuntimeFiles runtime_files,
       ssh::Client ssh_client, const ServiceManager& service_manager, Companion* beside);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override;

  // loop.cpp
  void post(Event event) { events.post(std::move(event)); }
  void post_shared(SharedEvent event) override;
  void handle(const Event& event, double chance);
  void adopt(const Predecessor& predecessor);
  void on_exit(std::optional<int> exit_code);
  [[nodiscard]] std::optional<Diagnosis> diagnose(ssh::SshOutput output) const;
  void explain_with_details(Diagnosis why, ssh::ProcessEnd end);
  void reload() override;
  void reload_now();
  void on_file_change() override;
  [[nodiscard]] bool stops_by_signal() const override { return companion == nullptr; }
  [[nodiscard]] bool leaves_child() override;
  [[nodiscard]] LoopControl control();
  void change(const Tunnel& wanted, bool new_login);
  [[nodiscard]] ssh::mux::MuxClient* control_master() override { return mux ? &*mux : nullptr; }
  [[nodiscard]] std::optional<pid_t> ssh_pid() const override {
    return session.process() ? std::optional(session.process()->pid) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::string> bastion_address() const override;
  void note_login(store::LoginLedger::Event event);
  [[nodiscard]] std::string identity() const { return tunnel->identity ? tunnel->identity->native() : std::string(); }
  [[nodiscard]] ConnectionStatus connection_status() const override;
  [[nodiscard]] ssh::Keepalive keepalive() const;
  void watch_flow();
  [[nodiscard]] std::vector<std::string> route_peers() const override;
  [[nodiscard]] Rules rules();
  [[nodiscard]] std::vector<std::optional<TimePoint>> stored_limits() const;
  [[nodiscard]] std::vector<std::optional<TimePoint>> stored_crowds() const;
  void make_bastion_watches();
  void publish_route();
  void switch_to(std::size_t bastion);
  void open_mux();
  void make_end_to_end();
  void apply_reread();
  void keep_connection();
  void log_ssh();
  void leave_ssh();

  // loop_actions.cpp
  using LoopBase::execute;
  void execute(const StartChild& action);
  void execute(const EndChild& action);
  void execute(const OpenForward& action);
  void execute(const FindPortHolder& action);
  void execute(const Knock& action);
  void execute(const TakeOver& action);
  void execute(const ChangeForwards& action);
  void execute(const WatchPath& action);
  void execute(const NoteLimit& action);
  void execute(const NoteCrowd& action);
  void execute(const StartFailbackProbe& action);
  void execute(const EndFailbackProbe& action);
  void execute(const Quit& action);
};

}  // namespace holdfast::supervisor
