// Reads public keys, and finds the one that belongs to the private key of a tunnel.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// The parts of a line of authorized_keys: "ssh-ed25519", the key in base64, and a comment, which may be empty.
struct PublicKey {
  std::string type;
  std::string blob;
  std::string comment = {};
  bool operator==(const PublicKey&) const = default;
  /// Parses a line of a .pub file; nothing for an invalid one.
  [[nodiscard]] static std::optional<PublicKey> parse(std::string_view line);
};

/// True when `text` begins like a public key in the format of sshd(8), RFC 4716 or PEM.
[[nodiscard]] bool begins_as_public_key(std::string_view text) noexcept;

inline constexpr std::chrono::seconds k_key_tool_timeout{5};  ///< for ssh-keygen and ssh-add
inline constexpr std::size_t k_largest_key_file = 64 * 1024;

struct FoundKey {
  PublicKey key;
  std::string where;  ///< the file that it was found in, or "the agent"
};

/// The key that the tunnel logs in with as `user`. With an identity: derived by ssh-keygen, else from its .pub file, as
/// for a key with a passphrase. Without: the first existing key that ssh would offer, else the only key of the agent.
[[nodiscard]] Result<FoundKey> find_public_key(os::Host& host, const Client& client, const Tunnel& tunnel,
                                               const os::User& user);

}  // namespace holdfast::ssh
