// The command line as data: options in rows, from which Program_options parses and the help is printed.
#pragma once

#include "core/result.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// What a value may be, as far as completion can offer it.
enum class Values {
  any,
  file,
  command,
  tunnel,   ///< a name of a tunnel that there is
  bastion,  ///< a Host of ssh_config
  backend,  ///< or auto
  engine,
  host,              ///< any, or this one
  hook_shell,        ///< what has a login hook
  completion_shell,  ///< what has a completion script
};

/// One option of a command.
struct Option {
  std::string_view names;     ///< long names, then the letter: "secret-key,identity,s"; the first one is its key
  std::string_view argument;  ///< how its value is called in the help: "FILE"; empty: the option takes none
  std::string_view text;      ///< what it does, one line
  bool repeatable = false;
  Values values = Values::any;
};

/// The option that names tunnels by a listening port, as scitex-tunnel does.
inline constexpr Option k_port_option{"port,p", "PORT", "the tunnel that listens on PORT at its bastion"};

/// What a command was given.
class Arguments {
 public:
  [[nodiscard]] bool has(const std::string& key) const { return values_.contains(key); }
  [[nodiscard]] std::optional<std::string> one(const std::string& key) const;
  [[nodiscard]] const std::vector<std::string>& all(const std::string& key) const;
  [[nodiscard]] const std::vector<std::string>& operands() const noexcept { return operands_; }

 private:
  friend Result<Arguments> parse_arguments(const std::vector<std::string>&, std::span<const Option>);
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> operands_;
};

/// Parses what follows the command's name. Usage errors: an option that is not in `options` (with a near one
/// suggested), a value that is missing, empty or not wanted, an option given twice that may stand once.
[[nodiscard]] Result<Arguments> parse_arguments(const std::vector<std::string>& words, std::span<const Option> options);

/// The long names and the letter of an option: {"secret-key", "identity", "s"}.
[[nodiscard]] std::vector<std::string> names_of(const Option& option);

}  // namespace holdfast::cli
