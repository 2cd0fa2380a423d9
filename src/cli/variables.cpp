#include "cli/variables.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// The value without its quotes; an unquoted one without its comment. Nothing when a quote is not closed.
std::optional<std::string> read_value(std::string_view text) {
  if (text.empty()) return std::string();
  const char quote = text.front();
  if (quote == '"' || quote == '\'') {
    const auto end = text.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    const auto rest = trim(text.substr(end + 1));
    if (!rest.empty() && rest.front() != '#') return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  for (std::size_t i = 1; i < text.size(); ++i)
    if (text[i] == '#' && (text[i - 1] == ' ' || text[i - 1] == '\t')) return std::string(trim(text.substr(0, i)));
  return std::string(text);
}

}  // namespace

Result<std::map<std::string, std::string>> parse_environment_file(std::string_view text, const std::string& file) {
  std::map<std::string, std::string> values;
  std::size_t number = 0;
  for (const auto& part : split(text, '\n')) {
    ++number;
    const auto refuse = [&](std::string cause) {
      return usage_error(fmt::format("{} line {}", file, number), std::move(cause), "write KEY=VALUE or # comment");
    };
    auto line = trim(part);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return refuse("it is not KEY=VALUE");
    const auto key = trim(line.substr(0, equals));
    if (!is_variable_name(key)) return refuse("the text before = is not the name of a variable");
    auto value = read_value(trim(line.substr(equals + 1)));
    if (!value) return refuse("the quotes around the value are not closed, or something follows them");
    if (has_control_bytes(*value)) return refuse("the value has a control character");
    values[std::string(key)] = std::move(*value);
  }
  return values;
}

std::optional<std::string> Variables::get(const std::string& name) const {
  if (const auto found = file_.find(name); found != file_.end() && !found->second.empty()) return found->second;
  auto value = host_ != nullptr ? host_->env(name) : std::nullopt;
  if (value && value->empty()) return std::nullopt;
  return value;
}

std::optional<std::string> Variables::first_of(std::initializer_list<const char*> names) const {
  constexpr std::string_view k_tunnel = "SCITEX_TUNNEL_";  // scitex-ssh uses the same names with its own prefix
  for (const std::string_view name : names) {
    if (auto value = get(std::string(name))) return value;
    if (!name.starts_with(k_tunnel)) continue;
    if (auto value = get("SCITEX_SSH_" + std::string(name.substr(k_tunnel.size())))) return value;
  }
  return std::nullopt;
}

}  // namespace holdfast::cli
