#include "tunnels/setup/engine_check.hpp"

#include "backends/plan/apply.hpp"
#include "core/text.hpp"
#include "ssh/autossh/autossh.hpp"
#include "ssh/client/as_user.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::seconds k_deadline{10};

}  // namespace

Result<> check_engine(const SetupRequest& request, const Tunnel& tunnel, const ssh::Client& client,
                      const os::Host& host) {
  if (tunnel->engine == Engine::native) return {};
  HOLDFAST_CHECK(ssh::find_autossh(host));
  HOLDFAST_CHECK(ssh::check_for_autossh(tunnel));
  auto command = ssh::show_configuration(client, tunnel, ssh::job_environment(host, request.run_as));
  HOLDFAST_TRY(command, ssh::command_as(host, request.run_as, std::move(command)));
  HOLDFAST_TRY(const auto shown, host.run(command, k_deadline));
  if (const auto added = ssh::added_forwards(shown.out); !added.empty()) return ssh::has_added_forwards(tunnel, added);
  return {};
}

Result<std::vector<std::string>> engine_lines(const Tunnel& tunnel, const ssh::Client& client, const os::Host& host) {
  std::vector<std::string> lines;
  if (tunnel->engine == Engine::native) return lines;
  HOLDFAST_TRY(const auto program, ssh::find_autossh(host));
  const auto files = store::runtime_files(tunnel->name, *tunnel->runtime_dir);
  std::string variables;
  for (const auto& [name, value] : ssh::autossh_environment({}, client, files.autossh_log))
    variables += fmt::format("{}{}={}", variables.empty() ? "" : " ", name, value);
  const backends::Run run{os::Command{ssh::autossh_arguments(program, client, tunnel, files.control, files.ssh_log)}};
  lines.push_back("and there, with " + printable(variables));
  lines.push_back(backends::describe(run));
  return lines;
}

}  // namespace holdfast::tunnels
