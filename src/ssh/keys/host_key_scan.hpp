// The host key of an ssh server on this machine.
#pragma once

#include "core/forward.hpp"
#include "os/host.hpp"

#include <string>
#include <string_view>

namespace holdfast::ssh {

/// "ssh-ed25519 AAAA…" from the output of ssh-keyscan(1); empty when it has no valid key.
[[nodiscard]] std::string scanned_key(std::string_view output);

/// The key of the server at `target`, which it sends to ssh-keyscan: an Ed25519 key, else another one. Empty when it is
/// not a loopback address, because nothing protects the answer on a network, or when there is no answer within 5 s.
[[nodiscard]] std::string scan_host_key(const os::Host& host, const End& target);

}  // namespace holdfast::ssh
