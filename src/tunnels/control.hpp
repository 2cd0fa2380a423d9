// Starts and stops the jobs of a tunnel, with any backend, and waits for the result.
#pragma once

#include "backends/backend.hpp"
#include "core/failure.hpp"
#include "core/result.hpp"
#include "os/host.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/observer.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// A backend that holds (or may hold) a tunnel, and the job it holds.
struct InstalledJob {
  const backends::Backend* backend = nullptr;
  backends::Job job;
};

/// The jobs of a tunnel on this host: first that of the backend in its file, then one that an interrupted move may have
/// left, or that another backend still starts because the file was edited by hand. If the tunnel's file is broken: a
/// job for each backend of the scope that has it installed, and each directory that may contain its runtime files.
[[nodiscard]] std::vector<InstalledJob> installed_jobs_of(const store::Entry& entry, const store::Paths& paths,
                                                          const os::Host& host);

/// The processes that stop_installed_jobs() ended.
struct Stopped {
  std::vector<pid_t> supervisors;
  bool ssh = false;
  std::string cannot_restart = {};  ///< why the backend could not start the tunnel again; empty: it can
  [[nodiscard]] bool anything() const noexcept { return ssh || !supervisors.empty(); }
};

/// Ends each job, its supervisor (also one started by hand) and its ssh, also between a crash and an automatic restart,
/// and removes the runtime files. Succeeds only after it has verified that all of them are gone. `stay_down`: leaves a
/// stop mark, so that `ensure` does not start the tunnel. A removal needs no mark, and a full disk could not store
/// one.
[[nodiscard]] Result<Stopped> stop_installed_jobs(const std::vector<InstalledJob>& installed_jobs, os::Host& host,
                                                  bool stay_down = true);

/// Before anything is stopped: an Error when the job's backend could not start it again, because its program is gone,
/// or its unit is masked or missing.
[[nodiscard]] Result<> check_restartable(const InstalledJob& installed_job, const os::Host& host);

/// The plan that stops the job for a successor that waits: Backend::stop() without the stop mark and without the
/// pidfile, which names the successor by then. Make the plan before the successor starts.
[[nodiscard]] Result<backends::Plan> release_plan(const InstalledJob& installed_job, const os::Host& host);

/// Applies a release_plan() and ends the supervisor: its lock is free afterwards.
[[nodiscard]] Result<> release(const backends::Plan& plan, const os::ProcessId& supervisor, os::Host& host);

/// Waits until the job's supervisor waits for the tunnel's lock (store::RuntimeFiles::next), or has it because
/// `previous` is gone. An Error when that supervisor ends, is not there after 15 s, or the observer cancels.
[[nodiscard]] Result<> wait_until_queued(const InstalledJob& installed_job, const os::ProcessId& previous,
                                         const os::Host& host, const Observer& observer);

/// How waiting for a tunnel ended.
struct Arrival {
  bool up = false;
  bool verified = false;
  bool standing_by = false;  ///< host = any: another host has the port, and this one is ready to take over
  bool target_down = false;  ///< every forward is open on the bastion, and at least one target here is down
  std::chrono::milliseconds took{0};
  std::optional<Diagnosis> failure = {};  ///< why it is not up, or why it is up without having been verified
};

/// Waits until a supervisor other than `previous` reports that the tunnel is up or stands by, or failed. A port that is
/// busy gets 5 s: an old session of this tunnel may be ending. An Error only when cancelled.
[[nodiscard]] Result<Arrival> wait_until_up(const InstalledJob& installed_job,
                                            const std::optional<os::ProcessId>& previous, const os::Host& host,
                                            std::chrono::milliseconds deadline, const Observer& observer);

/// Makes the running supervisor read the tunnel's file again, and waits until it has.
[[nodiscard]] Result<> wait_until_reread(const InstalledJob& installed_job, os::Host& host,
                                         std::chrono::milliseconds deadline);

}  // namespace holdfast::tunnels
