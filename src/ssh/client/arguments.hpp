// The argument list of the ssh that carries a tunnel, with the enforced options.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace holdfast::ssh {

namespace fs = boost::filesystem;

/// The release of the ssh client. ssh exits on an unknown option, so options depend on the version.
struct Version {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Version&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
};

/// From the first line of `ssh -V`: "OpenSSH_9.2p1 Debian-2, OpenSSL …".
[[nodiscard]] Result<Version> parse_version(const std::string& banner);

/// Finds ssh in PATH and runs `ssh -V`. An Error when it is missing or older than 7.4.
struct Client {
  fs::path program;
  Version version;
};
[[nodiscard]] Result<Client> find_client(const os::Host& host);

/// How the forwards are requested.
enum class ForwardsBy {
  control_socket,  ///< later, by holdfast; ClearAllForwardings=yes removes forwards of the user's configuration
  arguments,       ///< by ssh itself, with -R, which ClearAllForwardings would remove too
};

/// ssh's own keepalive: ServerAliveInterval and ServerAliveCountMax.
struct Keepalive {
  std::chrono::seconds interval{15};
  int count = 3;
};

/// The differences between the ssh of the supervisor, of preflight and of autossh.
struct Session {
  fs::path control;                   ///< the control socket that ssh creates
  fs::path log;                       ///< -E
  bool verbose = false;               ///< LogLevel=DEBUG1, which preflight needs to distinguish "denied" from "busy"
  std::vector<SshOption> extra = {};  ///< come first and win
  ForwardsBy forwards = ForwardsBy::control_socket;
  Keepalive keepalive = {};
};

/// `ssh -N -M -S CTL -E LOG -o … [-i KEY] [-p PORT] -- DEST`, argv[0] the absolute program.
/// The first value of an option wins in ssh, so the enforced options come before the user's.
///
/// With ForwardsBy::arguments, autossh restarts ssh but does not remove the socket of a killed one. So these arguments
/// have ControlMaster=auto in place of -M: ssh then removes a dead socket itself.
[[nodiscard]] std::vector<std::string> master_arguments(const Client& client, const Tunnel& tunnel,
                                                        const Session& session);

/// `path` as the value of an ssh option that expands tokens (IdentityFile, UserKnownHostsFile): one quoted word.
[[nodiscard]] std::string file_value(const fs::path& path);

/// The argument after -S for this control socket. It identifies our master in a list of processes.
[[nodiscard]] std::string control_argument(const fs::path& control);

/// The environment of the job and of preflight: HOME USER LOGNAME PATH LANG=C.UTF-8 XDG_*. Without agents and tickets,
/// which end with the login.
[[nodiscard]] os::Environment job_environment(const os::Host& host, const os::User& user);

}  // namespace holdfast::ssh
