// What a tunnel's key may do at a bastion, as a line of authorized_keys: written, understood, merged. Pure.
#pragma once

#include "core/forward.hpp"
#include "core/result.hpp"
#include "ssh/keys/public_key.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// What permitlisten and permitopen name, each as it stands between the quotes.
struct Permits {
  std::vector<std::string> listen;
  std::vector<std::string> open;
  bool operator==(const Permits&) const = default;
};

/// The ports that these forwards listen on, and those that the end-to-end probe dials: the same, and no other. A socket
/// has no permit in OpenSSH (channels.c, open_match): permitopen keeps the key from every one, the tunnel's own too,
/// permitlisten from none. Where there are sockets alone the permits name ports that are of no use to anybody, since to
/// name none would allow all.
[[nodiscard]] Permits permits_for(const std::vector<Forward>& forwards);

/// `restrict,port-forwarding,command="/bin/false",permitlisten="…",permitopen="…" TYPE KEY COMMENT`, without a line
/// break. sshd goes by the first line of a key: there is one line for all forwards of one.
[[nodiscard]] std::string authorized_line(const PublicKey& key, const Permits& permits);

enum class KeysChange {
  none,      ///< the line is there already
  added,     ///< there was no line of that key
  extended,  ///< a line of ours got more permits
  replaced,  ///< whatever lines the key had
  narrowed,  ///< a line of ours has fewer permits now
  removed,   ///< the line of ours is gone
};

struct KeysEdit {
  KeysChange change = KeysChange::none;
  std::string text;  ///< of the whole file; every line that is not this key's as it was, byte for byte
  std::string line;  ///< of this key, after the change; empty when it has none
};

/// `text` with the key allowed these permits, and what a line of ours allowed before. An Error when the key has a line
/// that is not of this kind (a person's own key, say, whose rights would be taken away): `replace` puts exactly these
/// permits in place of whatever is there.
[[nodiscard]] Result<KeysEdit> with_permits(std::string_view text, const PublicKey& key, const Permits& permits,
                                            bool replace);

/// `text` without these permits in the key's line of ours, and without the line when nothing is left of it. Lines of
/// another kind stay.
[[nodiscard]] KeysEdit without_permits(std::string_view text, const PublicKey& key, const Permits& permits);

}  // namespace holdfast::ssh
