// The public half of a key: read, and found for the private one that a tunnel uses.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// As authorized_keys has it: "ssh-ed25519", the key in base64, a comment that may be empty.
struct PublicKey {
  std::string type;
  std::string blob;
  std::string comment = {};
  bool operator==(const PublicKey&) const = default;
  /// One line of a .pub file; nothing for what is none.
  [[nodiscard]] static std::optional<PublicKey> parse(std::string_view line);
};

/// True for text that begins as a public key does: sshd(8), AUTHORIZED_KEYS FILE FORMAT; RFC 4716 has a frame of its
/// own.
[[nodiscard]] bool begins_as_public_key(std::string_view text) noexcept;

struct FoundKey {
  PublicKey key;
  std::string where;  ///< the file it was found by, or "the agent"
};

/// The key that the tunnel will log in with. With an identity: that file's, asked of ssh-keygen, else of the .pub
/// beside it, which a key with a passphrase needs. Without: the first that ssh itself would offer and that is there,
/// else the only one of the agent. `user` is whom the tunnel runs as.
[[nodiscard]] Result<FoundKey> find_public_key(os::Host& host, const Client& client, const Tunnel& tunnel,
                                               const os::User& user);

}  // namespace holdfast::ssh
