#include "cli/commands.hpp"
#include "cli/output/table.hpp"

#include <array>

namespace holdfast::cli {
namespace {

struct Api {
  std::string_view signature;
  std::string_view text;
};

// The functions of python/holdfast. A test compares them.
constexpr std::array k_apis{
    Api{"setup(port, bastion_server=None, secret_key_path=None, **options)",
        "Set up a tunnel, and return when it is verified end to end. options are those of holdfast setup: "
        "name=\"lab\", backend=\"cron\", accept_new_host_key=True."},
    Api{"status(port=None, **options)",
        "The status of all tunnels, or of those on that port or with that name. success is True when all of them are "
        "up."},
    Api{"remove(port, **options)", "Stop, uninstall and delete a tunnel."},
};

constexpr std::string_view k_result =
    "Each returns a dict: success, stdout, stderr, exit_status, error (class, message and hint, or None) and json, the "
    "output of the command with --json. A missing value raises ValueError. import scitex_tunnel "
    "and import scitex_ssh provide the same functions.";

Result<ExitStatus> list_apis(Context& context, const Arguments&) {
  auto& terminal = context.terminal;
  const auto print_wrapped = [&](std::string_view text, const std::string& indent) {
    for (const auto& line : wrapped(text, k_line_width - indent.size())) terminal.answer(indent + line);
  };
  for (const auto& api : k_apis) {
    terminal.answer("holdfast." + std::string(api.signature));
    if (terminal.is_verbose()) print_wrapped(api.text, "    ");
  }
  if (terminal.is_verbose()) print_wrapped(k_result, "");
  return ExitStatus::done;
}

}  // namespace

const Command& list_python_apis_command() {
  static const Command command{.name = "list-python-apis",
                               .synopsis = "[-v]",
                               .summary = "list the functions of the Python package",
                               .description = "With -v it also describes them.",
                               .scoped = false,
                               .run = list_apis};
  return command;
}

}  // namespace holdfast::cli
