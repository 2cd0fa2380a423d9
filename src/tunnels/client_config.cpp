#include "tunnels/client_config.hpp"

#include "core/json.hpp"
#include "core/loopback_endpoint.hpp"
#include "core/text.hpp"
#include "store/paths.hpp"
#include "tunnels/client_command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cctype>

namespace holdfast::tunnels {
namespace {

namespace json = boost::json;

/// Lower case, as ssh compares it, and without pattern characters, which would match other hosts' keys.
std::string host_key_alias(const std::string& host, const std::string& alias) {
  auto text = fmt::format("holdfast-{}-{}", store::host_directory_name(host), alias);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

ClientHost host_block(const Forward& forward, std::string alias, const ClientConfig& config,
                      const ssh::ResolvedRoute& route, const std::string& user) {
  ClientHost block{.alias = std::move(alias), .hostname = "127.0.0.1", .host_key_alias = {}, .forward = forward};
  if (leads_to_this_host(forward) && !user.empty()) block.user = user;
  const auto remote = loopback_endpoint(forward.listen());
  if (const auto* end = std::get_if<TcpEnd>(&remote)) {
    block.hostname = end->host;
    block.port = end->port;
    block.proxy_jump = config.proxy_jump;
  } else {
    block.port = local_port(forward);
    block.before = local_forward_command(route, forward);
  }
  return block;
}

std::string with_port(const std::string& alias, const Forward& forward) {
  const auto* listen = std::get_if<TcpEnd>(&forward.listen());
  return fmt::format("{}-{}", alias, listen != nullptr ? listen->port : local_port(forward));
}

/// setup names a tunnel after its first port when the user gives no name.
bool has_default_name(const Tunnel& tunnel) {
  const auto* first = std::get_if<TcpEnd>(&tunnel->forwards.front().listen());
  return first != nullptr && tunnel->name.text() == std::to_string(first->port);
}

/// The machine's name for its own sshd behind a tunnel with the default name. Else `name`, which is the tunnel's name
/// or that with a port.
std::string alias_of(const Tunnel& tunnel, const Forward& forward, const std::string& name, const std::string& host,
                     std::set<std::string>& aliases) {
  const bool is_name = consists_of(host, ".-_") && host.front() != '-';  // no pattern of ssh_config(5)
  if (!has_default_name(tunnel) || !leads_to_this_host(forward) || host == k_any_host || !is_name) return name;
  if (aliases.insert(host).second) return host;
  auto further = with_port(host, forward);
  return aliases.insert(further).second ? further : name;
}

/// One value of ssh_config(5).
std::string config_word(const std::string& value) {
  if (value.find_first_of(" \t\"#") == std::string::npos) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string block_text(const ClientHost& block) {
  std::string text;
  const auto target = printable(end_text(block.forward.target()));
  if (block.before)
    text += fmt::format("# ssh cannot jump to a socket. Run this command first, it forwards {}:\n#   {}\n",
                        printable(end_text(block.forward.listen())), printable(*block.before));
  text += fmt::format("Host {}\n  HostName {}\n  Port {}\n", block.alias, block.hostname, block.port);
  if (block.user)
    text += fmt::format("  User {}\n", config_word(printable(*block.user)));
  else
    text += fmt::format("  # the target is {}: add User with your login name there\n", target);
  if (block.proxy_jump) text += fmt::format("  ProxyJump {}\n", *block.proxy_jump);
  text += fmt::format("  HostKeyAlias {}\n", block.host_key_alias);
  if (!block.known_hosts.empty())
    text += "  # the target's host key, as a line for ~/.ssh/known_hosts:\n  #   " + block.known_hosts + '\n';
  return text;
}

json::object json_of(const ClientConfig& config) {
  json::array hosts;
  for (const auto& block : config.hosts)
    hosts.push_back(json::object{{"host", json_text(block.alias)},
                                 {"hostname", json_text(block.hostname)},
                                 {"port", block.port},
                                 {"user", text_or_null(block.user)},
                                 {"proxy_jump", text_or_null(block.proxy_jump)},
                                 {"host_key_alias", json_text(block.host_key_alias)},
                                 {"known_hosts", text_or_null(block.known_hosts)},
                                 {"before", text_or_null(block.before)},
                                 {"listen", json_text(end_text(block.forward.listen()))},
                                 {"target", json_text(end_text(block.forward.target()))}});
  json::array forwards;
  for (const auto& forward : config.forwards)
    forwards.push_back(json::object{{"listen", json_text(end_text(forward.forward.listen()))},
                                    {"target", json_text(end_text(forward.forward.target()))},
                                    {"command", json_text(forward.command)}});
  json::array commands;
  for (const auto& command : config.proxy_commands) commands.push_back(json_text(command));
  return {{"name", json_text(config.name.text())}, {"bastion", json_text(config.bastion)},
          {"leads_to", json_text(config.host)},    {"proxy_jump", json_text(config.proxy_jump)},
          {"proxy_commands", std::move(commands)}, {"hosts", std::move(hosts)},
          {"forwards", std::move(forwards)},       {"config", json::string(client_config_text(config))}};
}

}  // namespace

ClientConfig client_config(const Tunnel& tunnel, const ssh::ResolvedRoute& route,
                           const std::vector<ClientTarget>& targets, const ClientLogin& login,
                           std::set<std::string>& aliases) {
  ClientConfig config{.name = tunnel->name,
                      .bastion = tunnel->bastion.text(),
                      .host = tunnel->host.empty() ? login.host : tunnel->host,
                      .proxy_jump = jumps_of(route),
                      .proxy_commands = route.proxy_commands};
  for (std::size_t i = 0; i < tunnel->forwards.size(); ++i) {
    const auto& forward = tunnel->forwards[i];
    if (!targets.at(i).speaks_ssh) {
      config.forwards.push_back({local_forward_command(route, forward), forward});
      continue;
    }
    const auto& own = tunnel->name.text();
    const auto name = config.hosts.empty() ? own : with_port(own, forward);
    auto alias = alias_of(tunnel, forward, name, config.host, aliases);
    auto block = host_block(forward, std::move(alias), config, route, login.user);
    block.host_key_alias = host_key_alias(config.host, name);
    if (!targets[i].host_key.empty()) block.known_hosts = block.host_key_alias + ' ' + targets[i].host_key;
    config.hosts.push_back(std::move(block));
  }
  return config;
}

std::string client_config_text(const ClientConfig& config) {
  const bool any = config.host == k_any_host;
  auto text = fmt::format("# tunnel {} to {}, through {}\n", config.name.text(),
                          any ? std::string("the host that has it") : printable(config.host), config.bastion);
  for (const auto& command : config.proxy_commands)
    text += fmt::format("# {} is reached by this ProxyCommand, which may be different on a laptop:\n#   {}\n",
                        config.bastion, printable(command));
  if (any && !config.hosts.empty())
    text += "# when another host takes over, ssh warns of a changed host key, unless the hosts share one\n";
  for (const auto& block : config.hosts) text += block_text(block);
  for (const auto& forward : config.forwards)
    text += fmt::format("# {} at localhost:{}, while this command runs:\n#   {}\n",
                        printable(end_text(forward.forward.target())), local_port(forward.forward),
                        printable(forward.command));
  return text;
}

std::string client_config_json(const std::vector<ClientConfig>& configs) {
  json::array tunnels;
  for (const auto& config : configs) tunnels.push_back(json_of(config));
  return json::serialize(json::object{{"tunnels", std::move(tunnels)}});
}

}  // namespace holdfast::tunnels
