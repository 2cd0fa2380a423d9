#include "tunnels/ownership.hpp"

#include "core/text.hpp"
#include "store/host_settings.hpp"
#include "tunnels/installation.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {

bool is_renamed(const Tunnel& tunnel, const os::Host& host) {
  return is_elsewhere(tunnel, host) && !tunnel->machine.empty() && tunnel->machine == store::machine_mark(host);
}

Diagnosis explain_elsewhere(const Tunnel& tunnel, const os::Host& host) {
  const auto& owner = tunnel->host;
  if (!is_renamed(tunnel, host))
    return {FailureClass::config, fmt::format("it belongs to host {}", owner), "run the command there"};
  const auto here = host.hostname();
  return {FailureClass::config,
          fmt::format("it belongs to host {0}, and this machine, {1}, has {0}'s machine id: renamed, or a copy of it",
                      owner, here),
          fmt::format("if {} is now called {}: {}", owner, here, take_over_command(tunnel, host))};
}

std::string setup_command(const Tunnel& tunnel) {
  std::string command = "holdfast setup -n " + tunnel->name.text();
  for (const auto& forward : tunnel->forwards) command += " -p " + shell_quote(forward.text());
  command += " -b " + shell_quote(bastions_text(tunnel->bastion, tunnel->fallbacks));
  if (tunnel->identity) command += " -s " + shell_quote(tunnel->identity->native());
  for (const auto& option : tunnel->ssh_options)
    command += " --ssh-option " + shell_quote(option.key + "=" + option.value);
  if (tunnel->engine != Engine::native) command += fmt::format(" --engine {}", to_text(tunnel->engine));
  if (tunnel->takeover) command += " --takeover";
  if (tunnel->allow_target_down) command += " --allow-target-down";
  if (tunnel->run_as) command += " --system --run-as " + shell_quote(*tunnel->run_as);
  return command;
}

std::string take_over_command(const Tunnel& tunnel, const os::Host& host) {
  return setup_command(tunnel) + " --host " + shell_quote(host.hostname());
}

}  // namespace holdfast::tunnels
