// One command of the program: name, options, help text and function.
#pragma once

#include "cli/arguments.hpp"
#include "cli/output/terminal.hpp"
#include "cli/variables.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace holdfast::cli {

namespace fs = boost::filesystem;

/// The arguments that every command gets.
struct Context {
  os::Host& host;
  Terminal& terminal;
  Variables variables = {};
};

struct Command {
  std::string_view name;
  std::vector<std::string_view> aliases = {};  ///< old names; not shown in the list
  std::string_view synopsis;                   ///< after the name: "NAME… | -p PORT | --all"
  std::string_view summary;                    ///< one line, lower case, no full stop
  std::string_view description;                ///< for `help COMMAND`: paragraphs, one a line
  std::vector<Option> options = {};
  bool scoped = true;  ///< takes --user and --system
  std::size_t most_operands = 0;
  Values operands = Values::any;
  Result<ExitStatus> (*run)(Context&, const Arguments&) = nullptr;
  /// With full names: "mcp start". A command with subcommands has no `run`.
  std::vector<const Command*> subcommands = {};
};

/// The options of `command`, then the common ones.
[[nodiscard]] std::vector<Option> all_options(const Command& command);

/// The options of every command.
[[nodiscard]] const std::vector<Option>& common_options();

inline constexpr std::size_t k_any_number = static_cast<std::size_t>(-1);

}  // namespace holdfast::cli
