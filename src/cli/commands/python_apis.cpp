#include "cli/commands.hpp"
#include "cli/output/table.hpp"

#include <array>

namespace holdfast::cli {
namespace {

struct Api {
  std::string_view signature;
  std::string_view text;
};

// What python/holdfast defines; its tests hold this to it.
constexpr std::array k_apis{
    Api{"setup(port, bastion_server=None, secret_key_path=None, **options)",
        "Make a tunnel that lasts, and return when it was verified end to end. options are those of holdfast setup: "
        "name=\"lab\", backend=\"cron\", accept_new_host_key=True."},
    Api{"status(port=None, **options)",
        "Whether tunnels are up: all, or the one on that port or of that name. success is True when all of it is up."},
    Api{"remove(port, **options)", "Stop a tunnel, uninstall it, delete all that belongs to it."},
};

constexpr std::string_view k_result =
    "Each returns a dict: success, stdout, stderr, exit_status, error (class, message and hint, or None) and json, "
    "which is what the command prints with --json. A value that is missing is a ValueError. import scitex_tunnel gives "
    "the same three.";

Result<ExitStatus> list_apis(Context& context, const Arguments&) {
  auto& terminal = context.terminal;
  const auto tell = [&](std::string_view text, const std::string& indent) {
    for (const auto& line : wrapped(text, k_line_width - indent.size())) terminal.answer(indent + line);
  };
  for (const auto& api : k_apis) {
    terminal.answer("holdfast." + std::string(api.signature));
    if (terminal.is_verbose()) tell(api.text, "    ");
  }
  if (terminal.is_verbose()) tell(k_result, "");
  return ExitStatus::done;
}

}  // namespace

const Command& list_python_apis_command() {
  static const Command command{.name = "list-python-apis",
                               .synopsis = "[-v]",
                               .summary = "show the functions of the Python package",
                               .description = "With -v also what each does.",
                               .scoped = false,
                               .run = list_apis};
  return command;
}

}  // namespace holdfast::cli
