// How a value is written into a systemd unit file: systemd.syntax(7), systemd.exec(5), systemd.unit(5) "Specifiers".
// Every value passes through here; a value that cannot be said exactly is refused, never bent.
#pragma once

#include "core/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// An ExecStart= command line: each argument in double quotes, with \ " % $ taken literally. Refuses control bytes,
/// bytes that are not UTF-8, a program that is not an absolute path, and a program path with a quote, backslash or
/// "$" (systemd takes none there).
[[nodiscard]] Result<std::string> encode_exec_line(const std::vector<std::string>& argv);

/// KEY=VALUE for Environment=, in double quotes. The key is [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] Result<std::string> encode_environment(std::string_view key, std::string_view value);

/// A path for a setting that takes a quoted list (RequiresMountsFor=).
[[nodiscard]] Result<std::string> encode_path(std::string_view path);

/// A user's name for User=: what useradd(8) allows, and a domain's "@"; never a space.
[[nodiscard]] Result<std::string> encode_user(std::string_view name);

/// A host's name for ConditionHost=, which takes a glob: letters, digits, ". _ -" only, so that it means itself.
[[nodiscard]] Result<std::string> encode_host(std::string_view name);

/// Fills a template: each line's @KEY@ is replaced by values.at(KEY) (already encoded). A line that is nothing but a
/// @KEY@ with an empty value goes. An unknown @KEY@ is an error that names `source` and the line.
[[nodiscard]] Result<std::string> fill_template(std::string_view text, const std::map<std::string, std::string>& values,
                                                const std::string& source);

}  // namespace holdfast::backends
