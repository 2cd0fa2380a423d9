// User certificates of OpenSSH, PROTOCOL.certkeys, and what a tunnel logs in with.
#pragma once

#include "core/failure.hpp"
#include "core/timestamp.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

struct Certificate {
  std::string key_id;  ///< chosen by its authority; hostile text
  WallTime begins;
  std::optional<WallTime> expires;  ///< nothing: never
};

/// Parses the line of a -cert.pub file; nothing for a plain key, a host certificate and an invalid line.
[[nodiscard]] std::optional<Certificate> parse_user_certificate(std::string_view line);

/// What a tunnel logs in with, as its files show it. The agent and ssh_config are not read.
struct Credential {
  os::fs::path file;                            ///< the private key, or the certificate
  std::optional<Certificate> certificate = {};  ///< nothing: a plain key
};

/// The files that a login depends on, whether they exist or not: private keys, certificates, known_hosts, ssh_config.
/// `home` is of
/// the user that ssh runs as.
[[nodiscard]] std::vector<os::fs::path> credential_files(const Tunnel& tunnel, const os::fs::path& home);

/// Nothing when none of the files exists or can be read, as with a key in an agent.
[[nodiscard]] std::optional<Credential> find_credential(const os::Host& host, const Tunnel& tunnel,
                                                        const os::fs::path& home);

/// After a refused login: the tunnel's certificate is outside its lifetime. Nothing when it is not the cause.
[[nodiscard]] std::optional<Diagnosis> check_certificate(const os::Host& host, const Tunnel& tunnel,
                                                         const os::fs::path& home);

}  // namespace holdfast::ssh
