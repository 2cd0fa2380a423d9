#include "tunnels/command_tunnel/sidecar.hpp"

#include "cli/commands.hpp"

namespace holdfast::cli {
namespace {

Result<ExitStatus> run(Context& context, const Arguments& arguments) {
  const auto& words = arguments.operands();
  if (words.size() < 2) return usage_error("the command line", "it is incomplete", "holdfast help with-tunnel");
  HOLDFAST_TRY(const auto ports, PortRange::parse(words[1]));
  tunnels::SidecarArguments wanted{words[0], ports, {}};
  if (words.size() > 2) wanted.sshd = fs::path(words[2]);
  for (const auto& path : {wanted.directory, wanted.sshd.value_or("/")})
    if (!path.is_absolute()) return usage_error("the command line", path.string() + " is not an absolute path");
  HOLDFAST_CHECK(tunnels::run_sidecar(wanted, context.host));
  return ExitStatus::done;
}

}  // namespace

const Command& sidecar_command() {
  static const Command command{.name = "sidecar",
                               .synopsis = "DIRECTORY PORT[-PORT] [SSHD]",
                               .summary = "internal: with-tunnel starts it",
                               .description = "Supervises the tunnel of a command until the command ends.",
                               .scoped = false,
                               .most_operands = 3,
                               .run = run};
  return command;
}

}  // namespace holdfast::cli
