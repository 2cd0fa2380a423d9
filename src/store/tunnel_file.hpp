// The text of a tunnel file: `key = value` lines with the options of setup as keys.
#pragma once

#include "core/tunnel.hpp"
#include "store/tunnel_lines.hpp"

#include <boost/filesystem/path.hpp>

#include <string>
#include <string_view>

namespace holdfast::store {

/// Parses `text`. `file` is for messages; `name` is the tunnel's name. `home` replaces a leading "~" of the identity;
/// without a home "~/" is an error.
///
/// A comment begins with '#' at the start of a line or after white space. A value that needs such a '#', or outer
/// blanks, stands in double quotes, with \" and \\ inside. '-' and '_' are the same in a key.
///
/// Errors have ExitStatus::failed and the subject "FILE line N, KEY", or "FILE" where no line is to blame: an unknown
/// key, a second line for a key that allows one, a section, a control byte, a last line without line break, more than
/// k_largest_tunnel_file bytes.
[[nodiscard]] Result<Tunnel> parse_tunnel(const TunnelName& name, std::string_view text, const std::string& file,
                                          const boost::filesystem::path& home = {});

/// The text that parse_tunnel() reads back to an equal Tunnel. The mandatory key `bastion` comes last, so that a file
/// cut short at any byte is an error.
[[nodiscard]] std::string format_tunnel(const Tunnel& tunnel);

/// A usage error when parse_tunnel() would not read format_tunnel(tunnel) back to an equal Tunnel, as with a file that
/// is too large.
[[nodiscard]] Result<> check_reads_back(const Tunnel& tunnel);

/// `text` with the backend and runtime directory of `tunnel`; all other lines and comments stay as they are. `text`
/// must be a valid file of a tunnel that differs from `tunnel` in nothing else.
[[nodiscard]] std::string replace_backend(std::string_view text, const Tunnel& tunnel);

/// 1 to 32 lower case letters, digits and '-'.
[[nodiscard]] bool is_backend_name(std::string_view text) noexcept;

}  // namespace holdfast::store
