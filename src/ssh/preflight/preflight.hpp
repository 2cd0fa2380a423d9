// Every check that can be made before anything is installed, with the real ssh, in the environment of the job.
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

/// One step as setup shows it: "bastion reached", "12 ms", or how it failed.
struct Check {
  std::string what;    ///< "host key known"
  std::string figure;  ///< "in 12 ms", "ED25519 SHA256:…"; may be empty
  std::optional<Diagnosis> failure = {};
  bool warning = false;  ///< failure is told but does not stop setup (a target that hangs up on everyone)
  bool skipped = false;  ///< not made: one that it needs had failed, or it was not asked for (figure says so then)
};

struct PreflightRequest {
  Client client;
  os::User run_as;              ///< whose key, config and known_hosts count; another user than ours only for root
  os::Environment environment;  ///< the job's
  fs::path scratch_directory;   ///< a private directory of run_as for the control socket (90 bytes at most) and logs;
                               ///< removed by the caller
  bool accept_new_host_key = false;
  fs::path pin_file = {};  ///< pinned_lines are also written here once all checks passed; its directory is there, and
                           ///< is not run_as's to change. Empty: nowhere
  std::vector<Forward> held = {};  ///< forwards that a running tunnel of ours holds already: not asked for again
  bool may_stand_by = false;       ///< a port that is taken is another host's of this tunnel: no failure
  /// Goes on after a failure with whatever does not depend on it, and tells of each check that does as skipped.
  bool every_check = false;
  bool ask_forwards = true;                    ///< false: nobody has said which port it will be
  std::chrono::milliseconds deadline{60'000};  ///< of the login: a server can stall at any point
  std::function<bool()> interrupted = {};      ///< asked often; true ends everything at once, with exit status 130
};

struct PreflightReport {
  std::vector<Check> checks;
  std::optional<Diagnosis> failure;       ///< the first check that stops setup
  std::optional<std::string> pinned_key;  ///< type and fingerprint of a host key that was pinned now
  std::string pinned_lines;  ///< then: what the tunnel's known_hosts file is to hold, earlier pins of it included
};

/// Runs the checks in order, calls `on_check` after each, stops at the first failure (or does not: every_check). One
/// login only (a second one when
/// a host key is pinned). No ssh of it is left, however it ends. An Error: it could not be run, or was interrupted.
[[nodiscard]] Result<PreflightReport> preflight(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request,
                                                const std::function<void(const Check&)>& on_check);

/// The checks of a private key that need no network: it exists, is a file, is a private key, is closed to others,
/// opens without a passphrase (or an agent is not needed).
[[nodiscard]] std::optional<Diagnosis> check_identity(os::Host& host, const Tunnel& tunnel,
                                                      const PreflightRequest& request);

}  // namespace holdfast::ssh
