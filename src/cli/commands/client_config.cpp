#include "tunnels/client_config.hpp"
#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "os/read_only_host.hpp"
#include "ssh/keys/host_key_scan.hpp"
#include "ssh/preflight/target_banner.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/active_bastion.hpp"
#include "tunnels/client_command.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/selection.hpp"

#include <set>
#include <string>
#include <vector>

namespace holdfast::cli {
namespace {

/// An ssh server is found by its port, or by its banner when the tunnel belongs to this host.
std::vector<tunnels::ClientTarget> find_targets(const Tunnel& tunnel, const os::Host& host) {
  const auto& forwards = tunnel->forwards;
  std::vector<tunnels::ClientTarget> targets(forwards.size());
  const bool elsewhere = tunnels::is_elsewhere(tunnel, host);
  const auto banners = elsewhere ? std::vector<bool>(forwards.size()) : ssh::have_ssh_banner(forwards);
  for (std::size_t i = 0; i < forwards.size(); ++i) {
    targets[i].speaks_ssh = banners[i] || tunnels::leads_to_ssh_port(forwards[i]);
    if (banners[i] && tunnel->host != k_any_host) targets[i].host_key = ssh::scan_host_key(host, forwards[i].target());
  }
  return targets;
}

Result<std::vector<store::Entry>> selected(const Arguments& arguments, const store::Paths& paths,
                                           const os::Host& host) {
  if (const auto port = arguments.one("port")) {
    if (!arguments.operands().empty()) return usage_error("option --port", "it cannot be combined with a name");
    return tunnels::on_port(*port, store::load_all(host, paths), host, paths);
  }
  if (arguments.operands().empty()) return store::load_all(host, paths);
  HOLDFAST_TRY(const auto names, tunnels::named_tunnels(arguments.operands(), host, paths));
  std::vector<store::Entry> entries;
  for (const auto& name : names) entries.push_back({name, store::load(host, paths, name)});
  return entries;
}

Result<tunnels::ClientConfig> config_of(const store::Entry& entry, const store::Paths& paths, const ssh::Client& client,
                                        const os::Host& host, std::set<std::string>& aliases) {
  if (!entry.tunnel) return entry.tunnel.error();
  const auto tunnel = tunnels::via_active_bastion(*entry.tunnel, paths, host);
  HOLDFAST_TRY(const auto user, tunnels::find_job_user(tunnel, paths, host));
  HOLDFAST_TRY(const auto route, tunnels::client_route(tunnel, user, client, host));
  const tunnels::ClientLogin login{tunnels::login_name(user, host), host.hostname()};
  return tunnels::client_config(tunnel, route, find_targets(tunnel, host), login, aliases);
}

Result<ExitStatus> print_client_config(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto paths, choose_paths_to_read(arguments, context.host));
  HOLDFAST_TRY(const auto entries, selected(arguments, paths, context.host));
  HOLDFAST_TRY(const auto client, ssh::find_client(context.host));
  const os::ReadOnlyHost read_only_host(context.host);  // caches: tunnels of one bastion share one query of ssh
  std::vector<tunnels::ClientConfig> configs;
  std::optional<Error> failure;
  std::set<std::string> aliases;  // a tunnel's own name goes before this machine's
  for (const auto& name : store::tunnel_names(context.host, paths)) aliases.insert(name.text());
  for (const auto& entry : entries) {
    auto config = config_of(entry, paths, client, read_only_host, aliases);
    if (config)
      configs.push_back(std::move(*config));
    else if (entries.size() == 1)
      return std::move(config).error();
    else
      context.terminal.warn((failure = std::move(config).error())->line());
  }
  if (arguments.has("json")) {
    context.terminal.answer(tunnels::client_config_json(configs));
  } else {
    for (std::size_t i = 0; i < configs.size(); ++i)
      context.terminal.answer((i == 0 ? "" : "\n") + tunnels::client_config_text(configs[i]));
    if (entries.empty()) context.terminal.note("no tunnels; create one with holdfast setup");
  }
  return failure ? failure->status : ExitStatus::done;
}

}  // namespace

const Command& client_config_command() {
  static const Command command{
      .name = "client-config",
      .synopsis = "[NAME…] [-p PORT] [--json]",
      .summary = "print the ~/.ssh/config lines for a laptop that connects",
      .description =
          "Prints a Host block for each forward that leads to an ssh server. With these lines, ssh NAME, scp and "
          "rsync on the laptop connect through the bastion. NAME is the tunnel's name or, for a tunnel without a name "
          "of its own that leads to this machine, the name of this machine. The host key of an sshd here is printed as "
          "a line for the laptop's known_hosts. Host aliases and ProxyJump of this machine's "
          "configuration are resolved, so the laptop needs none of them. For other forwards, the block has the ssh -L "
          "command as a comment.\n"
          "The laptop needs a key of its own. The bastion must accept it and let it open connections.",
      .options = {k_port_option, {"json", "", "print JSON; unknown values are null"}},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = print_client_config};
  return command;
}

}  // namespace holdfast::cli
