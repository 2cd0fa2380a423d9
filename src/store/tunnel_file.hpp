// The text of a tunnel file: INI `key = value`, keys as the options of setup, held by a Program_options table.
#pragma once

#include "core/tunnel.hpp"

#include <boost/filesystem/path.hpp>

#include <string>
#include <string_view>

namespace holdfast::store {

inline constexpr std::size_t k_largest_tunnel_file = 64 * 1024;

/// Parses `text`; every error has the subject "FILE line N, KEY" (or "FILE" where no line can be told) and
/// ExitStatus::failed. '-' and '_' are the same in a key. Unknown keys, a key given twice that may stand once,
/// sections, control bytes, a last line that was cut short, more than k_largest_tunnel_file bytes are errors. A comment
/// begins with '#' at the start of a line or after white space; a value that needs such a '#', or outer blanks, stands
/// in double quotes (\" and \\ inside). `file` is used in messages only; the tunnel's name is the file's. `home` is
/// what a leading "~/" of the identity stands for; without it "~/" is an error.
[[nodiscard]] Result<Tunnel> parse_tunnel(const TunnelName& name, std::string_view text, const std::string& file,
                                          const boost::filesystem::path& home = {});

/// The text that parse_tunnel() reads back to an equal Tunnel. With a first line that says what it is, and `bastion`,
/// which no tunnel lacks, as the last: wherever the file is cut, reading it is an error.
[[nodiscard]] std::string format_tunnel(const Tunnel& tunnel);

/// `text`, the sound file of a tunnel that differs from `tunnel` in backend and runtime-dir alone, made to say these as
/// `tunnel` has them. Every other line, comments too, stays as a person wrote it.
[[nodiscard]] std::string with_holder(std::string_view text, const Tunnel& tunnel);

}  // namespace holdfast::store
