// The text of a tunnel file: INI `key = value`, keys as the options of setup, read through Program_options.
#pragma once

#include "core/tunnel.hpp"

#include <string>
#include <string_view>

namespace holdfast::store {

/// Parses `text`; every error has the subject "FILE line N, KEY" (or "FILE, KEY" where no line can be told).
/// '-' and '_' are the same in a key. Unknown keys, a key given twice that may stand once, NUL bytes, more than
/// 64 KiB are errors. `file` is used in messages only; the name is the file's.
[[nodiscard]] Result<Tunnel> parse_tunnel(const TunnelName& name, std::string_view text, const std::string& file);

/// The text that parse_tunnel() reads back to an equal Tunnel. With a first line that says what it is.
[[nodiscard]] std::string format_tunnel(const Tunnel& tunnel);

}  // namespace holdfast::store
