// One command: how it is called, what it takes, what it says of itself, what it does.
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

/// What every command works with.
struct Context {
  os::Host& host;
  Terminal& terminal;
  Variables variables = {};
};

struct Command {
  std::string_view name;
  std::vector<std::string_view> aliases = {};  ///< former names; not shown in the list
  std::string_view synopsis;                   ///< what follows the name: "NAME… | -p PORT | --all"
  std::string_view summary;                    ///< one line, lower case, no full stop
  std::string_view description;                ///< paragraphs for `help COMMAND`
  std::vector<Option> options = {};
  bool scoped = true;  ///< takes --user and --system
  std::size_t most_operands = 0;
  Values operands = Values::any;
  Result<ExitStatus> (*run)(Context&, const Arguments&) = nullptr;
  /// Of a group, which does nothing itself: its commands, named in full, "mcp start" of "mcp".
  std::vector<const Command*> parts = {};
};

/// The options of `command` and those that every command has.
[[nodiscard]] std::vector<Option> all_options(const Command& command);

/// Those that every command has.
[[nodiscard]] const std::vector<Option>& common_options();

inline constexpr std::size_t k_any_number = static_cast<std::size_t>(-1);

}  // namespace holdfast::cli
