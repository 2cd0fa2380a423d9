// Options as a table: arguments are parsed with it, and help and completion are made from it.
#pragma once

#include "core/result.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// The kind of words that completion offers for a value or an operand.
enum class Values {
  any,
  file,
  command,
  tunnel,   ///< the name of an existing tunnel
  bastion,  ///< a Host alias of ssh_config
  backend,  ///< "auto" included
  engine,
  host,              ///< "any" or this host
  hook_shell,        ///< a shell with a login hook
  completion_shell,  ///< a shell with a completion script
};

/// One option of a command.
struct Option {
  std::string_view names;     ///< long names, then letters: "identity,secret-key,i,s"; the first one is its key
  std::string_view argument;  ///< the name of its value in the help: "FILE"; empty for a flag
  std::string_view text;      ///< one line
  bool repeatable = false;
  Values values = Values::any;
};

/// Selects tunnels by their listening port, as scitex-tunnel does.
inline constexpr Option k_port_option{"port,p", "PORT", "the tunnel that listens on PORT of its bastion"};

/// The arguments of a command.
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

/// Parses the words after the command's name. Usage errors: an unknown option (with a suggestion), a missing, empty or
/// unexpected value, and a repeated option that isn't repeatable.
[[nodiscard]] Result<Arguments> parse_arguments(const std::vector<std::string>& words, std::span<const Option> options);

/// {"identity", "secret-key", "i", "s"}.
[[nodiscard]] std::vector<std::string> names_of(const Option& option);

}  // namespace holdfast::cli
