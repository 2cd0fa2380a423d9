#include "cli/completion/completions.hpp"

#include "backends/backend.hpp"
#include "backends/text/login_hook_text.hpp"
#include "cli/commands.hpp"
#include "cli/completion/scripts.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "core/tunnel.hpp"
#include "ssh/client/host_aliases.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/scope.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace holdfast::cli {
namespace {

/// The finished words of a command line.
struct ParsedLine {
  const Command* command = nullptr;
  std::vector<Option> options;       ///< allowed here
  std::set<std::string> given = {};  ///< keys of the options given already
  std::vector<std::string> operands = {};
  const Option* awaited = nullptr;  ///< the unfinished word is the value of this option
  bool only_operands = false;       ///< after "--"
};

std::string key_of(const Option& option) { return names_of(option).front(); }

/// One word that is an option.
struct Typed {
  const Option* option = nullptr;  ///< nullptr for an unknown option
  bool has_value = false;          ///< in the same word
};

/// "--name", "--name=value", "-n", "-nvalue", or several letters, of which the last one counts.
Typed typed_option(const std::string& word, const std::vector<Option>& options) {
  const auto find = [&](const std::string& name) -> const Option* {
    const auto found = std::ranges::find_if(options, [&](const Option& option) {
      const auto names = names_of(option);
      return std::ranges::find(names, name) != names.end();
    });
    return found == options.end() ? nullptr : &*found;
  };
  if (word.starts_with("--")) {
    const auto equals = word.find('=');
    return {find(word.substr(2, equals - 2)), equals != std::string::npos};
  }
  Typed typed;
  for (std::size_t i = 1; i < word.size(); ++i) {
    typed = {find(word.substr(i, 1)), i + 1 < word.size()};
    if (typed.option == nullptr || !typed.option->argument.empty()) break;
  }
  return typed;
}

void add_word(ParsedLine& line, const std::string& word) {
  if (line.awaited != nullptr) {
    line.awaited = nullptr;
    return;
  }
  const bool is_option = !line.only_operands && word.size() > 1 && word.starts_with('-');
  if (!is_option) {
    const auto* group = line.command;
    if (group != nullptr && group->subcommands.empty()) {
      line.operands.push_back(word);
    } else if (const auto* command = group != nullptr ? find_subcommand(*group, word) : find_command(word)) {
      line.command = command;
      line.options = all_options(*command);
    }
    return;
  }
  if (word == "--") {
    line.only_operands = true;
    return;
  }
  const auto typed = typed_option(word, line.options);
  if (typed.option == nullptr) return;
  if (!typed.option->repeatable) line.given.insert(key_of(*typed.option));
  if (!typed.option->argument.empty() && !typed.has_value) line.awaited = typed.option;
}

/// No shell expands anything in it, quoted or not. All names that holdfast accepts are plain.
bool is_plain(const std::string& word) {
  constexpr std::string_view k_punctuation = "-_.=@%+/";
  return printable(word) == word && std::ranges::all_of(word, [&](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x80 || std::isalnum(byte) != 0 || k_punctuation.find(c) != std::string_view::npos;
         });
}

class Completer {
 public:
  Completer(const ParsedLine& line, std::string unfinished, const os::Host& host)
      : line_(line), unfinished_(std::move(unfinished)), host_(host) {}

  Completions complete() {
    if (line_.awaited != nullptr) {
      add_values(line_.awaited->values, "");
      return std::move(completions_);
    }
    const bool begins_option = !line_.only_operands && unfinished_.starts_with('-');
    const auto equals = unfinished_.find('=');
    if (begins_option && equals == std::string::npos) {
      add_options();
    } else if (begins_option) {
      const auto typed = typed_option(unfinished_, line_.options);
      if (typed.option != nullptr && unfinished_.starts_with("--"))
        add_values(typed.option->values, unfinished_.substr(0, equals + 1));
    } else if (line_.command == nullptr) {
      add_values(Values::command, "");
    } else if (!line_.command->subcommands.empty()) {
      const auto names = subcommand_names(*line_.command);
      for (std::size_t i = 0; i < names.size(); ++i) add(names[i], line_.command->subcommands[i]->summary);
    } else if (line_.operands.size() < line_.command->most_operands) {
      add_values(line_.command->operands, "");
    }
    // Without anything else to offer, offer the options.
    if (completions_.words.empty() && !completions_.files && unfinished_.empty() && !line_.only_operands) add_options();
    return std::move(completions_);
  }

 private:
  void add(std::string word, std::string_view note = {}) {
    if (!is_plain(word)) return;
    completions_.words.push_back({std::move(word), std::string(note)});
  }

  void add_options() {
    for (const auto& option : line_.options) {
      if (line_.given.contains(key_of(option))) continue;
      for (const auto& name : names_of(option))
        if (name.size() > 1) add("--" + name, option.text.substr(0, option.text.find("; ")));
    }
    if (line_.command != nullptr) return;
    add("--version", version_command().summary);
    add("--help-recursive", "show the help of every command");
  }

  void add_values(Values values, const std::string& before) {
    switch (values) {
      case Values::any:
        return;
      case Values::file:
        completions_.files = true;
        return;
      case Values::command:
        for (const auto* command : all_commands()) add(before + std::string(command->name), command->summary);
        return;
      case Values::tunnel:
        return add_tunnels(before);
      case Values::bastion:
        return add_bastions(before);
      case Values::backend:
        add(before + "auto", "the most durable that works here");
        for (const auto* backend : backends::all_backends())
          if (backend->scope() == scope()) add(before + std::string(backend->name()));
        return;
      case Values::engine:
        add(before + std::string(to_text(Engine::native)), "holdfast itself");
        add(before + std::string(to_text(Engine::autossh)));
        return;
      case Values::host:
        add(before + "any", "every host on which it is set up");
        add(before + host_.hostname(), "this host");
        return;
      case Values::hook_shell:
        for (const auto shell :
             {backends::Shell::sh, backends::Shell::bash, backends::Shell::zsh, backends::Shell::fish})
          add(before + std::string(backends::to_text(shell)));
        return;
      case Values::completion_shell:
        if (!line_.operands.empty()) return;
        for (const auto& script : k_completion_scripts) add(before + std::string(script.shell));
        return;
    }
  }

  [[nodiscard]] Scope scope() const {
    if (line_.given.contains("system")) return Scope::system;
    return line_.given.contains("user") ? Scope::user : tunnels::usual_scope(host_);
  }

  void add_tunnels(const std::string& before) {
    const auto paths = store::paths(scope(), host_);
    if (!paths) return;
    for (const auto& name : store::tunnel_names(host_, *paths))
      if (std::ranges::find(line_.operands, name.text()) == line_.operands.end()) add(before + name.text(), "tunnel");
  }

  /// Host aliases, after the USER@ that was typed.
  void add_bastions(const std::string& before) {
    const auto value = unfinished_.substr(before.size());
    const auto user = value.substr(0, value.rfind('@') + 1);  // npos + 1 is 0
    if (!user.empty() && !Destination::parse(user + "h")) return;
    const auto typed = before + user;
    for (const auto& alias : ssh::host_aliases(host_, host_.user().home)) add(typed + alias);
  }

  const ParsedLine& line_;
  std::string unfinished_;
  const os::Host& host_;
  Completions completions_;
};

}  // namespace

Completions completions(const std::vector<std::string>& line, const os::Host& host) {
  if (line.empty()) return {};
  ParsedLine parsed{.options = common_options()};
  for (std::size_t i = 0; i + 1 < line.size(); ++i) add_word(parsed, line[i]);
  return Completer(parsed, line.back(), host).complete();
}

std::string completion_lines(const Completions& completions) {
  std::string lines = completions.files ? ":file\n" : "";
  for (const auto& completion : completions.words) lines += completion.word + "\t" + completion.note + "\n";
  return lines;
}

}  // namespace holdfast::cli
