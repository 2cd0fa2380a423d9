// The checks before an installation, made with the real ssh in the environment of the job.
#pragma once

#include "core/failure.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::ssh {

/// The result of one check, as setup shows it.
struct Check {
  std::string what;    ///< "host key known"
  std::string figure;  ///< a detail: "in 12 ms", "ED25519 SHA256:…"; may be empty
  std::optional<Diagnosis> failure = {};
  bool warning = false;  ///< the failure does not stop setup
  bool skipped = false;  ///< not made: it depends on a failed check, or `figure` has the reason
};

struct PreflightRequest {
  Client client;
  os::User run_as;              ///< whose key, configuration and known_hosts count; another user only for root
  os::Environment environment;  ///< the job's
  fs::path scratch_directory;   ///< a private directory of run_as for the control socket (90 bytes at most) and logs;
                                ///< the caller removes it
  bool accept_new_host_key = false;
  fs::path pin_file = {};  ///< gets pinned_lines once all checks passed, unless empty; in an existing directory that
                           ///< run_as cannot change
  std::vector<Forward> held = {};         ///< forwards of the running tunnel, which are not requested again
  std::vector<std::string> held_by = {};  ///< the names of the tunnels that have `held`, in its order; empty: this one
  bool may_stand_by = false;              ///< a busy port belongs to another host of this tunnel and is no failure
  /// Continue after a failure with the checks that do not depend on it; report the others as skipped.
  bool every_check = false;
  bool ask_forwards = true;                    ///< false: no port is known yet
  std::chrono::milliseconds deadline{60'000};  ///< of the login: a server can stall at any step
  std::function<bool()> interrupted = {};      ///< polled; true ends the preflight with ExitStatus::interrupted
};

struct PreflightReport {
  std::vector<Check> checks;
  std::optional<Diagnosis> failure;       ///< the first check that stops setup
  std::optional<std::string> pinned_key;  ///< type and fingerprint of a newly pinned host key
  std::string pinned_lines;               ///< then the text of the tunnel's known_hosts file, with its earlier pins
};

/// Runs the checks in order and calls `on_check` after each. Stops at the first failure unless every_check is set. Logs
/// in once, and a second time to pin a host key. Leaves no ssh behind. An Error when ssh could not be run, or the
/// caller interrupted.
[[nodiscard]] Result<PreflightReport> preflight(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request,
                                                const std::function<void(const Check&)>& on_check);

/// Checks the tunnel's private key without network: it exists, is a private key, is closed to other users and has no
/// passphrase. Nothing when it is usable, or the tunnel names none.
[[nodiscard]] std::optional<Diagnosis> check_identity(os::Host& host, const Tunnel& tunnel,
                                                      const PreflightRequest& request);

}  // namespace holdfast::ssh
