// Which options of ssh a user may add to a tunnel, and why not the others.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast {

/// Why holdfast refuses an ssh option.
struct SshOptionRefusal {
  std::string reason;  ///< one clause
  std::string hint;    ///< what to do in its place
};

/// Nothing for an option that a user may set. Case of `key` does not matter. No option is accepted that ends a session
/// holdfast relies on, or that lets ssh trust another host key.
[[nodiscard]] std::optional<SshOptionRefusal> ssh_option_refusal(std::string_view key, std::string_view value);

/// Options, as key and value, that every ssh of holdfast gets: ssh trusts a host key only if a known_hosts file has it.
inline constexpr std::array<std::pair<const char*, const char*>, 3> k_host_key_checks{{
    {"StrictHostKeyChecking", "yes"},  // as "ask" in batch mode
    {"VerifyHostKeyDNS", "no"},
    {"NoHostAuthenticationForLocalhost", "no"},
}};

/// The words of an ssh option that takes files, as ssh splits them. Nothing for a quote that does not end and for
/// characters that releases of ssh read differently: backslash, single quote, `%` and `$`.
[[nodiscard]] std::optional<std::vector<std::string>> ssh_file_words(std::string_view value);

}  // namespace holdfast
