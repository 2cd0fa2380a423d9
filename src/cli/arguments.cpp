#include "cli/arguments.hpp"

#include "core/suggestion.hpp"
#include "core/text.hpp"

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

#include <algorithm>

namespace holdfast::cli {
namespace {

namespace po = boost::program_options;

// Internal keys. The blank prevents that a user types them as options.
const char* const k_operand = " operand";
std::string extra_letter_key(const std::string& letter) { return " " + letter; }

std::string key_of(const Option& option) { return names_of(option).front(); }

/// Program_options allows one letter for an option. Each further letter becomes an option of its own.
void add_option(po::options_description& table, const std::string& names, bool takes_value) {
  if (takes_value)
    table.add_options()(names.c_str(), po::value<std::vector<std::string>>()->composing(), "");
  else
    table.add_options()(names.c_str(), "");
}

po::options_description make_table(std::span<const Option> options) {
  po::options_description table;
  for (const auto& option : options) {
    std::string names;
    bool has_letter = false;
    for (const auto& name : names_of(option)) {
      if (name.size() > 1 || !has_letter)
        names += (names.empty() ? "" : ",") + name;
      else
        add_option(table, extra_letter_key(name) + "," + name, !option.argument.empty());
      has_letter = has_letter || name.size() == 1;
    }
    add_option(table, names, !option.argument.empty());
  }
  table.add_options()(k_operand, po::value<std::vector<std::string>>(), "");
  return table;
}

/// The option that was parsed as `key`; k_operand has none.
const Option* find_option(const std::string& key, std::span<const Option> options) {
  const auto found = std::ranges::find_if(options, [&](const Option& option) {
    const auto names = names_of(option);
    return names.front() == key ||
           std::ranges::any_of(names, [&](const auto& name) { return extra_letter_key(name) == key; });
  });
  return found == options.end() ? nullptr : &*found;
}

Error unknown_option(const std::string& typed, std::span<const Option> options) {
  std::vector<std::string> known;
  for (const auto& option : options)
    for (const auto& name : names_of(option)) known.push_back((name.size() == 1 ? "-" : "--") + name);
  return usage_error("option " + typed, "there is no such option",
                     suggestion(typed.substr(0, typed.find('=')), known, "", ""));
}

// Program_options names options in several ways in its own messages.
Error usage_error_of(const po::error& thrown, std::span<const Option> options) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&thrown))
    return unknown_option(unknown->get_option_name(), options);
  if (const auto* syntax = dynamic_cast<const po::invalid_command_line_syntax*>(&thrown)) {
    const auto typed = syntax->get_option_name();  // "--" and the key
    const auto* option = typed.size() > 2 ? find_option(typed.substr(2), options) : nullptr;
    const auto subject = "option " + (option != nullptr ? "--" + key_of(*option) : typed);
    switch (syntax->kind()) {
      case po::invalid_syntax::extra_parameter:
        return usage_error(subject, "it takes no value");
      case po::invalid_syntax::missing_parameter:
      case po::invalid_syntax::empty_adjacent_parameter:
        return usage_error(subject, "its value is missing");
      default:
        return usage_error(subject, "it is not valid");
    }
  }
  if (const auto* named = dynamic_cast<const po::error_with_option_name*>(&thrown))
    return usage_error("option " + named->get_option_name(), "it is not valid");
  return usage_error("the command line", thrown.what());
}

}  // namespace

std::vector<std::string> names_of(const Option& option) { return split(option.names, ','); }

std::optional<std::string> Arguments::one(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.front();
}

const std::vector<std::string>& Arguments::all(const std::string& key) const {
  static const std::vector<std::string> k_none;
  const auto found = values_.find(key);
  return found == values_.end() ? k_none : found->second;
}

Result<Arguments> parse_arguments(const std::vector<std::string>& words, std::span<const Option> options) {
  const auto table = make_table(options);
  po::positional_options_description operands;
  operands.add(k_operand, -1);
  po::parsed_options parsed(&table);
  try {
    // No abbreviations: a new option could make one ambiguous.
    using namespace po::command_line_style;
    const int style = unix_style & ~allow_guessing;
    parsed = po::command_line_parser(words).options(table).positional(operands).style(style).run();
  } catch (const po::error& thrown) {
    return usage_error_of(thrown, options);
  }
  Arguments arguments;
  for (auto& given : parsed.options) {
    if (given.string_key == k_operand) {
      for (auto& value : given.value) arguments.operands_.push_back(std::move(value));
      continue;
    }
    const auto* option = find_option(given.string_key, options);
    if (option == nullptr) return usage_error("the command line", "it has an unknown option");
    const auto key = key_of(*option);
    auto& values = arguments.values_[key];
    if (!option->argument.empty() && !option->repeatable && !values.empty())
      return usage_error("option --" + key, "it is given more than once");
    for (auto& value : given.value) {
      if (value.empty()) return usage_error("option --" + key, "its value is empty");
      values.push_back(std::move(value));
    }
  }
  return arguments;
}

}  // namespace holdfast::cli
