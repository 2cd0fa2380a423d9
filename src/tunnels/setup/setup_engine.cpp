#include "backends/plan/apply.hpp"
#include "core/text.hpp"
#include "ssh/autossh/autossh.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/client/as_user.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::seconds k_deadline{10};

}  // namespace

Result<> Setup::check_engine() {
  if (request_.engine == Engine::native) return {};
  HOLDFAST_TRY(const auto program, ssh::find_autossh(host_));
  HOLDFAST_TRY(const auto tunnel, wanted(*assessed_backends_.front().backend, request_.paths.state));
  HOLDFAST_CHECK(ssh::check_for_autossh(tunnel));
  auto asked = ssh::show_configuration(*client_, tunnel, ssh::job_environment(host_, request_.run_as));
  HOLDFAST_TRY(asked, ssh::command_as(host_, request_.run_as, std::move(asked)));
  HOLDFAST_TRY(const auto shown, host_.run(asked, k_deadline));
  if (const auto added = ssh::added_forwards(shown.out); !added.empty()) return ssh::has_added_forwards(tunnel, added);
  autossh_ = program;
  return {};
}

std::vector<std::string> Setup::engine_lines() const {
  if (!autossh_) return {};
  const auto files = store::runtime_files(request_.name, *(*tunnel_)->runtime_dir);
  std::string variables;
  for (const auto& [name, value] : ssh::autossh_environment({}, *client_, files.autossh_log))
    variables += fmt::format("{}{}={}", variables.empty() ? "" : " ", name, value);
  const backends::Run run{
      os::Command{ssh::autossh_arguments(*autossh_, *client_, *tunnel_, files.control, files.ssh_log)}};
  return {"and there, with " + printable(variables), backends::describe(run)};
}

}  // namespace holdfast::tunnels
