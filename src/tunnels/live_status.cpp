#include "tunnels/live_status.hpp"

#include "core/text.hpp"
#include "os/boot_clock.hpp"
#include "os/read_only_file_system.hpp"
#include "os/stopped_process.hpp"
#include "store/history.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <utility>

namespace holdfast::tunnels {
namespace {

using store::TunnelState;

/// Nothing tells since when.
void replace_state(TunnelStatus& status, std::optional<TunnelState> state,
                   std::optional<store::ForwardState> forwards) {
  status.state = state;
  for (auto& forward : status.forwards) forward.state = forwards;
  status.verified = false;
  status.since.reset();
  status.rtt_ms.reset();
}

TunnelStatus::Failure stopped_process(std::string_view role, pid_t pid, std::string_view effect) {
  return {{FailureClass::unknown,
           fmt::format("its {} {} is stopped (SIGSTOP, a debugger or a frozen control group): {}", role, pid, effect),
           fmt::format("kill -CONT {}", pid)},
          {}};
}

/// Its state is not known, for that reason.
void show_unknown(TunnelStatus& status, std::string message, std::string hint) {
  replace_state(status, std::nullopt, std::nullopt);
  status.next_attempt.reset();
  status.last_error = TunnelStatus::Failure{{FailureClass::unknown, std::move(message), std::move(hint)}, {}};
}

/// What the supervisor published last may be wrong by now.
void doubt(TunnelStatus& status, const store::LiveState& live, const store::fs::path& directory, const os::Host& host) {
  const bool supervisor_stopped = os::is_stopped(host, live.supervisor.pid);
  if (store::carries(live.state) && live.ssh && !status.ssh_pid) {  // ssh has died
    replace_state(status, TunnelState::connecting, store::ForwardState::down);
  } else if (store::carries(live.state) && status.ssh_pid && os::is_stopped(host, *status.ssh_pid)) {
    replace_state(status, TunnelState::connecting, store::ForwardState::down);
    status.last_error = stopped_process("ssh", *status.ssh_pid, "the tunnel carries nothing");
  } else if (supervisor_stopped) {
    replace_state(status, std::nullopt, std::nullopt);
  } else if (os::is_read_only_for(live.supervisor.pid, directory)) {
    show_unknown(status,
                 fmt::format("its supervisor {} cannot publish its state: the file system of {} is read-only",
                             live.supervisor.pid, directory.string()),
                 fmt::format("remount it read-write: findmnt -T {} shows it", shell_quote(directory.string())));
  }
  if (!supervisor_stopped) return;
  status.next_attempt.reset();
  status.last_error = stopped_process("supervisor", live.supervisor.pid, "nothing checks or restarts the tunnel");
}

bool has_started_within(const os::ProcessId& process, std::chrono::milliseconds span) {
  const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const std::chrono::milliseconds started(1000 * process.start_time / ticks_per_second);
  return os::since_boot() - started < span;
}

/// The supervisor has its lock, but its state is missing or cannot be read.
void add_unpublished(TunnelStatus& status, const os::ProcessId& supervisor, const backends::Job& job) {
  constexpr std::chrono::seconds k_start(10);
  if (has_started_within(supervisor, k_start)) return;
  status.state.reset();
  const auto file = store::runtime_files(job.name, job.runtime_dir).live;
  status.last_error =
      TunnelStatus::Failure{{FailureClass::unknown,
                             fmt::format("its supervisor {} runs, but its state {} is missing or cannot be read",
                                         supervisor.pid, file.string()),
                             "holdfast restart " + status.name},
                            {}};
}

}  // namespace

void add_live_state(TunnelStatus& status, const store::LiveState& live, const store::fs::path& directory,
                    const os::Host& host) {
  status.state = live.state;
  status.verified = live.verified;
  if (!live.bastion.empty()) status.bastion = live.bastion;
  status.since = live.since;
  status.supervisor = {live.supervisor.pid, live.version, live.program};
  status.rtt_ms = live.rtt_ms;
  status.reconnects = live.reconnects;
  status.next_attempt = live.next_attempt;
  status.forwards.clear();
  for (const auto& forward : live.forwards)
    status.forwards.push_back({forward.listen, forward.target, forward.state, forward.bound});
  if (live.ssh && os::is_alive(host, *live.ssh)) status.ssh_pid = live.ssh->pid;
  doubt(status, live, directory, host);
}

void doubt_unresponsive(std::vector<TunnelStatus>& statuses, const os::Host& host) {
  constexpr std::chrono::milliseconds k_wait(150);
  std::vector<std::pair<TunnelStatus*, std::string>> suspects;
  for (auto& status : statuses) {
    if (!status.supervisor.pid || !status.state) continue;
    if (auto wait = os::uninterruptible_wait(host, *status.supervisor.pid)) suspects.emplace_back(&status, *wait);
  }
  if (suspects.empty()) return;
  host.sleep_for(k_wait);
  for (const auto& [status, wait] : suspects) {
    if (os::uninterruptible_wait(host, *status->supervisor.pid) != wait) continue;  // a disk was slow
    show_unknown(*status,
                 fmt::format("its supervisor {} hangs in the kernel (state D): nothing checks or restarts the tunnel",
                             *status->supervisor.pid),
                 "it continues when its disk or file server answers again: dmesg names that one");
  }
}

bool was_killed(const std::optional<store::LiveState>& last, const os::Host& host) {
  return last && last->state != TunnelState::stopped && last->supervisor.boot_id == host.boot_id();
}

void add_killed(TunnelStatus& status, const std::optional<os::ProcessId>& ssh) {
  status.state = TunnelState::failed;
  std::string message = "its supervisor was killed";
  if (ssh) {
    status.ssh_pid = ssh->pid;
    message += fmt::format("; its ssh {} still runs, without a supervisor", ssh->pid);
  }
  status.last_error =
      TunnelStatus::Failure{{FailureClass::unknown, std::move(message), "holdfast start " + status.name}, {}};
}

void add_no_supervisor(TunnelStatus& status, const store::Paths& paths, const TunnelName& name,
                       const std::optional<backends::Registration>& registration) {
  const bool starting = registration && (registration->restarting || registration->running);
  status.state = starting ? TunnelState::connecting : TunnelState::stopped;
  status.verified = false;
  for (auto& forward : status.forwards) forward.state = store::ForwardState::down;
  if (starting) return;
  const auto last = store::History::read(paths.state_file(name, "history"), 1);
  if (!last.empty() && last.front().to == TunnelState::stopped) status.since = last.front().at;
}

void add_survivor(TunnelStatus& status, const os::ProcessId& supervisor, const backends::Job& job,
                  const os::Host& host) {
  status.supervisor.pid = supervisor.pid;
  status.verified = false;
  status.state = TunnelState::connecting;
  if (has_started_within(supervisor, std::chrono::seconds(1))) return;
  if (host.is_locked(store::runtime_files(job.name, job.runtime_dir).lock))
    return add_unpublished(status, supervisor, job);
  const auto last = store::History::read(job.paths.state_file(job.name, "history"), 1);
  if (!last.empty() && last.front().to != TunnelState::stopped) {
    status.state = last.front().to;
    status.since = last.front().at;
  }
  status.last_error = TunnelStatus::Failure{
      {FailureClass::unknown,
       fmt::format("its supervisor {} runs, but its runtime directory {} is gone or is another one here",
                   supervisor.pid, job.runtime_dir.string()),
       "holdfast restart " + status.name},
      {}};
}

}  // namespace holdfast::tunnels
