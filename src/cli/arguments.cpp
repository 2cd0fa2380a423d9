#include "cli/arguments.hpp"

#include "cli/suggestion.hpp"
#include "core/text.hpp"

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

namespace holdfast::cli {
namespace {

namespace po = boost::program_options;

const char* const k_operand = " operand";  // no option can be typed that way

po::options_description described(std::span<const Option> options) {
  po::options_description table;
  for (const auto& option : options) {
    const std::string names(option.names);
    if (option.argument.empty())
      table.add_options()(names.c_str(), "");
    else
      table.add_options()(names.c_str(), po::value<std::vector<std::string>>()->composing(), "");
  }
  table.add_options()(k_operand, po::value<std::vector<std::string>>(), "");
  return table;
}

std::string key_of(const Option& option) { return names_of(option).front(); }

Error unknown_option(const std::string& typed, std::span<const Option> options) {
  std::vector<std::string> known;
  for (const auto& option : options)
    for (const auto& name : names_of(option)) known.push_back((name.size() == 1 ? "-" : "--") + name);
  const auto meant = nearest(typed.substr(0, typed.find('=')), known);
  return usage_error("option " + typed, "there is no such option", meant ? "did you mean " + *meant : std::string());
}

// What Program_options threw, as an Error of ours. Its own texts name options in several ways.
Error translated(const po::error& thrown, std::span<const Option> options) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&thrown))
    return unknown_option(unknown->get_option_name(), options);
  if (const auto* syntax = dynamic_cast<const po::invalid_command_line_syntax*>(&thrown)) {
    const auto subject = "option " + syntax->get_option_name();
    switch (syntax->kind()) {
      case po::invalid_syntax::extra_parameter:
        return usage_error(subject, "it takes no value");
      case po::invalid_syntax::missing_parameter:
      case po::invalid_syntax::empty_adjacent_parameter:
        return usage_error(subject, "its value is missing");
      default:
        return usage_error(subject, "it cannot be read");
    }
  }
  if (const auto* named = dynamic_cast<const po::error_with_option_name*>(&thrown))
    return usage_error("option " + named->get_option_name(), "it cannot be read");
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
  const auto table = described(options);
  po::positional_options_description operands;
  operands.add(k_operand, -1);
  po::parsed_options parsed(&table);
  try {
    // No guessing: an abbreviation that works today would be ambiguous with tomorrow's option.
    using namespace po::command_line_style;
    const int style = unix_style & ~allow_guessing;
    parsed = po::command_line_parser(words).options(table).positional(operands).style(style).run();
  } catch (const po::error& thrown) {
    return translated(thrown, options);
  }
  Arguments arguments;
  for (auto& given : parsed.options) {
    if (given.string_key == k_operand) {
      for (auto& value : given.value) arguments.operands_.push_back(std::move(value));
      continue;
    }
    const auto row = std::ranges::find_if(options, [&](const Option& o) { return key_of(o) == given.string_key; });
    auto& values = arguments.values_[given.string_key];
    const bool takes_value = row != options.end() && !row->argument.empty();
    if (takes_value && row != options.end() && !row->repeatable && !values.empty())
      return usage_error("option --" + given.string_key, "it is given more than once");
    for (auto& value : given.value) {
      if (value.empty()) return usage_error("option --" + given.string_key, "its value is empty");
      values.push_back(std::move(value));
    }
  }
  return arguments;
}

}  // namespace holdfast::cli
