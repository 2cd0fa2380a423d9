// Encodes values for a systemd unit file: systemd.syntax(7), systemd.exec(5), systemd.unit(5) "Specifiers". Every value
// passes through here. A value that cannot be represented exactly is an Error; none is changed.
#pragma once

#include "core/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// An ExecStart= command line: each argument in double quotes, with \ " % $ escaped. Refuses control bytes, invalid
/// UTF-8, a program that is not an absolute path, and a program path with a quote, a backslash or "$", which systemd
/// does not accept there.
[[nodiscard]] Result<std::string> encode_exec_line(const std::vector<std::string>& argv);

/// KEY=VALUE for Environment=, in double quotes. The key is [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] Result<std::string> encode_environment(std::string_view key, std::string_view value);

/// A path for a setting whose value is a quoted list (RequiresMountsFor=).
[[nodiscard]] Result<std::string> encode_path(std::string_view path);

/// A user name for User=: the characters that useradd(8) allows, and "@" for domains; never a space.
[[nodiscard]] Result<std::string> encode_user(std::string_view name);

/// A host name for ConditionHost=, which is a glob pattern: only letters, digits and ". _ -", so that it matches
/// itself.
[[nodiscard]] Result<std::string> encode_host(std::string_view name);

/// Fills a template: replaces every @KEY@ by values.at(KEY), which is already encoded. Drops a line that becomes empty
/// by that. An unknown @KEY@ is an Error that names `source` and the line.
[[nodiscard]] Result<std::string> fill_template(std::string_view text, const std::map<std::string, std::string>& values,
                                                const std::string& source);

}  // namespace holdfast::backends
