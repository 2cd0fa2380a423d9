#include "cli/mcp/ssh_options.hpp"

#include "core/destination.hpp"
#include "core/text.hpp"
#include "core/tunnel.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace holdfast::cli {
namespace {

constexpr std::string_view k_proxy_jump = "ProxyJump";
constexpr std::array<std::string_view, 15> k_allowed{"AddressFamily",
                                                     "BindAddress",
                                                     "BindInterface",
                                                     "Ciphers",
                                                     "Compression",
                                                     "ConnectionAttempts",
                                                     "HostKeyAlgorithms",
                                                     "IPQoS",
                                                     "KexAlgorithms",
                                                     "MACs",
                                                     "PreferredAuthentications",
                                                     k_proxy_jump,
                                                     "PubkeyAcceptedAlgorithms",
                                                     "RekeyLimit",
                                                     "TCPKeepAlive"};

/// OpenSSH before 9.6 passes the jump host unquoted to a shell (CVE-2023-51385).
Result<> check_jump_hosts(std::string_view value) {
  if (equals_ignoring_case(value, "none")) return {};
  if (value.find(' ') != std::string_view::npos)
    return usage_error("ssh-option ProxyJump", "it contains a space", "give [USER@]HOST[:PORT], several with commas");
  HOLDFAST_CHECK(parse_bastions(value));
  return {};
}

}  // namespace

const std::string& agents_ssh_options() {
  static const std::string text = fmt::format("{}", fmt::join(k_allowed, ", "));
  return text;
}

Result<> check_agents_ssh_option(std::string_view text) {
  const auto allowed = [] { return "an agent may set " + agents_ssh_options(); };
  auto option = SshOption::parse(text);
  if (!option) {
    auto error = std::move(option).error();
    if (error.hint.empty()) error.hint = allowed();
    return error;
  }
  if (std::ranges::none_of(k_allowed, [&](std::string_view key) { return equals_ignoring_case(key, option->key); }))
    return usage_error("ssh-option " + option->key, "an agent may not set it",
                       allowed() + "; a person can set others in ~/.ssh/config");
  if (equals_ignoring_case(option->key, k_proxy_jump)) return check_jump_hosts(option->value);
  return {};
}

}  // namespace holdfast::cli
