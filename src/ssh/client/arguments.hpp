// The argument list of the ssh that carries a tunnel: CONTRACT "Enforced ssh settings".
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <string>
#include <vector>

namespace holdfast::ssh {

namespace fs = boost::filesystem;

/// The release of the ssh client: options that it does not know are fatal, so they are chosen by version.
struct Version {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Version&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
};

/// From the first line of `ssh -V`: "OpenSSH_9.2p1 Debian-2, OpenSSL …".
[[nodiscard]] Result<Version> parse_version(const std::string& banner);

/// Finds ssh in PATH and asks its version. FailureClass::ssh_missing shows as an Error with the hint to install it.
struct Client {
  fs::path program;
  Version version;
};
[[nodiscard]] Result<Client> find_client(const os::Host& host);

/// How the bastion is asked for the forwards.
enum class ForwardsBy {
  control_socket,  ///< later, by us; ClearAllForwardings=yes keeps out whatever ssh_config adds
  arguments,       ///< by ssh itself, with -R: ClearAllForwardings would clear these too, so it is left out
};

/// What differs between the supervisor's ssh, preflight's and the one that autossh starts.
struct Session {
  fs::path control;                   ///< control socket to make
  fs::path log;                       ///< -E
  bool verbose = false;               ///< LogLevel=DEBUG1: preflight tells "denied" from "busy" by it
  std::vector<SshOption> extra = {};  ///< before all else (preflight's StrictHostKeyChecking=accept-new and its file)
  ForwardsBy forwards = ForwardsBy::control_socket;
};

/// `ssh -N -M -S CTL -E LOG -o … [-i KEY] [-p PORT] -- DEST`, argv[0] the absolute program.
/// Enforced options come first, since for ssh the first one wins; then the user's; no forward at all unless
/// `session.forwards` says so.
///
/// With ForwardsBy::arguments somebody else starts this ssh again and again, and nobody unlinks the socket of one that
/// was killed: ControlMaster=auto stands in place of -M, since with it ssh unlinks a dead socket by itself.
[[nodiscard]] std::vector<std::string> master_arguments(const Client& client, const Tunnel& tunnel,
                                                        const Session& session);

/// `path` as the value of an ssh option that expands tokens (IdentityFile, UserKnownHostsFile): one quoted word.
[[nodiscard]] std::string file_value(const fs::path& path);

/// The control socket's path as it stands after -S, by which a master of ours is known in a list of processes.
[[nodiscard]] std::string control_argument(const fs::path& control);

/// The environment of the job and of preflight: HOME USER LOGNAME PATH LANG=C.UTF-8 XDG_*; never an agent or a ticket
/// that is gone after logout.
[[nodiscard]] os::Environment job_environment(const os::Host& host, const os::User& user);

}  // namespace holdfast::ssh
