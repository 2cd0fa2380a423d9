// Starting and stopping a tunnel, whatever holds it, and seeing that it happened.
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

/// Who holds the tunnel: one, first; and after a move that was cut short the other, which may have something left. For
/// one whose file is broken, whoever may: every backend of the scope that has it installed, with every place its
/// runtime files may be in.
[[nodiscard]] std::vector<InstalledJob> installed_jobs_of(const store::Entry& entry, const store::Paths& paths,
                                                          const os::Host& host);

/// What was ended.
struct Stopped {
  std::vector<pid_t> supervisors;
  bool ssh = false;
  [[nodiscard]] bool anything() const noexcept { return ssh || !supervisors.empty(); }
};

/// Ends the job, its supervisor (one started by hand too) and its ssh, in any state, the gap before an automatic
/// restart included, and takes the runtime files away. On success they are gone: that was looked at. `stay_down`: with
/// the mark that keeps `ensure` from starting it; whoever takes the tunnel away needs none, and may have no room for
/// it.
[[nodiscard]] Result<Stopped> stop_installed_jobs(const std::vector<InstalledJob>& installed_jobs, os::Host& host,
                                                  bool stay_down = true);

/// What ends the holder's hold, as its stop does, for a successor that waits already: it leaves no mark that the tunnel
/// is to stay down, and takes no notice of the pidfile, which is the successor's by then. To be made before that.
[[nodiscard]] Result<backends::Plan> release_plan(const InstalledJob& installed_job, const os::Host& host);

/// Carries it out and ends the supervisor, whose lock is free then.
[[nodiscard]] Result<> release(const backends::Plan& plan, const os::ProcessId& supervisor, os::Host& host);

/// Waits until a supervisor that the holder has started waits for its turn (store::RuntimeFiles::next), or has taken
/// over from a `former` that is gone. An Error when it ends instead, does nothing for long, or the observer calls it
/// off.
[[nodiscard]] Result<> wait_until_queued(const InstalledJob& installed_job, const os::ProcessId& previous,
                                         const os::Host& host, const Observer& observer);

/// How waiting for a tunnel ended.
struct Arrival {
  bool up = false;
  bool verified = false;
  bool standing_by = false;  ///< another host has the port, as it may: this one is ready to take over
  std::chrono::milliseconds took{0};
  std::optional<Diagnosis> failure = {};  ///< why it is not up, or why it is up without having been verified
};

/// Waits until a supervisor other than `former` says that the tunnel is up, or stands by, or that it will not be soon.
/// A port that is busy gets a little time: it may be the end of our own last session. An Error when called off.
[[nodiscard]] Result<Arrival> wait_until_up(const InstalledJob& installed_job,
                                            const std::optional<os::ProcessId>& previous, const os::Host& host,
                                            std::chrono::milliseconds deadline, const Observer& observer);

/// Has the running supervisor read the tunnel's file again, and waits until it has taken it.
[[nodiscard]] Result<> wait_until_reread(const InstalledJob& installed_job, os::Host& host,
                                         std::chrono::milliseconds deadline);

}  // namespace holdfast::tunnels
