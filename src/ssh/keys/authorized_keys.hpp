// The line of a tunnel's key in authorized_keys: writes, reads and merges its permits. Pure.
#pragma once

#include "core/forward.hpp"
#include "core/result.hpp"
#include "ssh/keys/public_key.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// The values of permitlisten and permitopen, as they stand between the quotes.
struct Permits {
  std::vector<std::string> listen;
  std::vector<std::string> open;
  bool operator==(const Permits&) const = default;
};

/// The ports that these forwards listen on and that the end-to-end probe connects to, and no others. OpenSSH has no
/// permit for sockets (open_match in channels.c): permitopen denies them all, permitlisten none. A tunnel with only
/// sockets gets permits for unused ports, since an empty list would allow every port.
[[nodiscard]] Permits permits_for(const std::vector<Forward>& forwards);

/// `restrict,port-forwarding,command="/bin/false",permitlisten="…",permitopen="…" TYPE KEY COMMENT`, without a line
/// break. sshd uses only the first line of a key, so one line has the permits of all its forwards.
[[nodiscard]] std::string authorized_line(const PublicKey& key, const Permits& permits);

enum class KeysChange {
  none,      ///< the line was already there
  added,     ///< there was no line of that key
  extended,  ///< a tunnel line got more permits
  replaced,  ///< in place of all lines of the key
  narrowed,  ///< a tunnel line lost permits
  removed,   ///< the tunnel line is gone
};

struct KeysEdit {
  KeysChange change = KeysChange::none;
  std::string text;  ///< the whole file; lines of other keys are unchanged, byte for byte
  std::string line;  ///< the line of this key after the change; may be empty
};

/// `text` with these permits added to those of the key. An Error when the key has a line of another kind, such as a
/// personal key, which would lose its rights. `replace` replaces all lines of the key by exactly these permits.
[[nodiscard]] Result<KeysEdit> with_permits(std::string_view text, const PublicKey& key, const Permits& permits,
                                            bool replace);

/// `text` without these permits in the tunnel line of the key, and without that line when no permit is left. Lines of
/// another kind stay.
[[nodiscard]] KeysEdit without_permits(std::string_view text, const PublicKey& key, const Permits& permits);

}  // namespace holdfast::ssh
