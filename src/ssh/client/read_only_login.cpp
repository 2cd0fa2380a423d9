#include "ssh/client/read_only_login.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

namespace holdfast::ssh {
namespace {

/// ssh expands % in a ProxyCommand. The ssh of the next hop shall get it unexpanded.
std::string without_tokens(std::string_view command) {
  std::string out;
  for (const char c : command) {
    out += c;
    if (c == '%') out += c;
  }
  return out;
}

}  // namespace

std::vector<SshOption> read_only_login_options(const Client& client, const ResolvedRoute& route) {
  // UpdateHostKeys adds the other keys of a host that is known, CheckHostIP its address.
  std::vector<SshOption> options{{"UpdateHostKeys", "no"}, {"CheckHostIP", "no"}};
  std::string command;
  for (const Destination& jump : route.proxy_jumps) {
    std::string next = shell_quote(client.program.native());
    for (const SshOption& option : options) next += fmt::format(" -o {}={}", option.key, option.value);
    if (!command.empty()) next += " -o " + shell_quote("ProxyCommand=" + without_tokens(command));
    if (jump.port()) next += fmt::format(" -p {}", *jump.port());
    command = next + " -W '[%h]:%p' -- " + shell_quote(jump.ssh_argument());
  }
  if (!command.empty()) options.push_back({"ProxyCommand", command});
  return options;
}

}  // namespace holdfast::ssh
