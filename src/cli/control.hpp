// Starting and stopping a tunnel, whatever holds it, and seeing that it happened.
#pragma once

#include "backends/backend.hpp"
#include "cli/installation.hpp"
#include "core/failure.hpp"
#include "core/result.hpp"
#include "os/host.hpp"
#include "store/tunnel_store.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

/// A backend that holds (or may hold) a tunnel, and the job it holds.
struct Holder {
  const backends::Backend* backend = nullptr;
  backends::Job job;
};

/// Who holds the tunnel. For one whose file is broken, whoever may: every backend of the scope that has it installed,
/// with every place its runtime files may be in.
[[nodiscard]] std::vector<Holder> holders_of(const store::Entry& entry, const store::Places& places,
                                             const os::Host& host);

/// What was ended.
struct Stopped {
  std::vector<pid_t> supervisors;
  bool ssh = false;
  [[nodiscard]] bool anything() const noexcept { return ssh || !supervisors.empty(); }
};

/// Ends the job, its supervisor (one started by hand too) and its ssh, in any state, the gap before an automatic
/// restart included, and takes the runtime files away. On success they are gone: that was looked at.
[[nodiscard]] Result<Stopped> stop_holders(const std::vector<Holder>& holders, os::Host& host);

/// How waiting for a tunnel ended.
struct Arrival {
  bool up = false;
  bool verified = false;
  bool standing_by = false;  ///< another host has the port, as it may: this one is ready to take over
  std::chrono::milliseconds took{0};
  std::optional<Diagnosis> failure = {};  ///< why it is not up, or why it is up without having been verified
};

/// Waits until a supervisor other than `former` says that the tunnel is up, or stands by, or that it will not be soon.
/// A port that is busy gets a little time: it may be the end of our own last session. An Error when interrupted.
[[nodiscard]] Result<Arrival> wait_until_up(const Holder& holder, const std::optional<os::ProcessId>& former,
                                            const os::Host& host, std::chrono::milliseconds deadline);

}  // namespace holdfast::cli
