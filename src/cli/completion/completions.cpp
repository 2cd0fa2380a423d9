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

/// What the finished words of a line say.
struct Reading {
  const Command* command = nullptr;
  std::vector<Option> options;       ///< that may stand here
  std::set<std::string> given = {};  ///< keys of options that are there already
  std::vector<std::string> operands = {};
  const Option* awaited = nullptr;  ///< the option that the last word is the value of
  bool only_operands = false;       ///< "--" stands before
};

std::string key_of(const Option& option) { return names_of(option).front(); }

/// An option as it stands in a word.
struct Typed {
  const Option* option = nullptr;  ///< nothing: there is no such option
  bool has_value = false;          ///< in the same word
};

/// "--name" or "--name=value", "-n" or "-nvalue", or letters in a bundle, of which the last counts.
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

void take(Reading& reading, const std::string& word) {
  if (reading.awaited != nullptr) {
    reading.awaited = nullptr;
    return;
  }
  const bool is_option = !reading.only_operands && word.size() > 1 && word.starts_with('-');
  if (!is_option) {
    const auto* group = reading.command;
    if (group != nullptr && group->parts.empty()) {
      reading.operands.push_back(word);
    } else if (const auto* command = group != nullptr ? find_part(*group, word) : find_command(word)) {
      reading.command = command;
      reading.options = all_options(*command);
    }
    return;
  }
  if (word == "--") {
    reading.only_operands = true;
    return;
  }
  const auto typed = typed_option(word, reading.options);
  if (typed.option == nullptr) return;
  if (!typed.option->repeatable) reading.given.insert(key_of(*typed.option));
  if (!typed.option->argument.empty() && !typed.has_value) reading.awaited = typed.option;
}

/// No shell would make anything else of it, quoted or not. Names and aliases that holdfast takes are so already.
bool is_plain(const std::string& word) {
  constexpr std::string_view k_signs = "-_.=@%+/";
  return printable(word) == word && std::ranges::all_of(word, [&](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x80 || std::isalnum(byte) != 0 || k_signs.find(c) != std::string_view::npos;
         });
}

class Completer {
 public:
  Completer(const Reading& reading, std::string unfinished, const os::Host& host)
      : reading_(reading), unfinished_(std::move(unfinished)), host_(host) {}

  Completions answer() {
    if (reading_.awaited != nullptr) {
      add_values(reading_.awaited->values, "");
      return std::move(answer_);
    }
    const bool begins_option = !reading_.only_operands && unfinished_.starts_with('-');
    const auto equals = unfinished_.find('=');
    if (begins_option && equals == std::string::npos) {
      add_options();
    } else if (begins_option) {
      const auto typed = typed_option(unfinished_, reading_.options);
      if (typed.option != nullptr && unfinished_.starts_with("--"))
        add_values(typed.option->values, unfinished_.substr(0, equals + 1));
    } else if (reading_.command == nullptr) {
      add_values(Values::command, "");
    } else if (!reading_.command->parts.empty()) {
      const auto names = part_names(*reading_.command);
      for (std::size_t i = 0; i < names.size(); ++i) add(names[i], reading_.command->parts[i]->summary);
    } else if (reading_.operands.size() < reading_.command->most_operands) {
      add_values(reading_.command->operands, "");
    }
    // Nothing to choose from but options: they are what one would want to see.
    if (answer_.words.empty() && !answer_.files && unfinished_.empty() && !reading_.only_operands) add_options();
    return std::move(answer_);
  }

 private:
  void add(std::string word, std::string_view note = {}) {
    if (!is_plain(word)) return;
    answer_.words.push_back({std::move(word), std::string(note)});
  }

  void add_options() {
    for (const auto& option : reading_.options) {
      if (reading_.given.contains(key_of(option))) continue;
      for (const auto& name : names_of(option))
        if (name.size() > 1) add("--" + name, option.text.substr(0, option.text.find("; ")));
    }
    if (reading_.command != nullptr) return;
    add("--version", version_command().summary);
    add("--help-recursive", "show the help of every command");
  }

  void add_values(Values values, const std::string& before) {
    switch (values) {
      case Values::any:
        return;
      case Values::file:
        answer_.files = true;
        return;
      case Values::command:
        for (const auto* command : all_commands()) add(before + std::string(command->name), command->summary);
        return;
      case Values::tunnel:
        return add_tunnels(before);
      case Values::bastion:
        return add_bastions(before);
      case Values::backend:
        add(before + "auto", "the strongest that works here");
        for (const auto* backend : backends::all_backends())
          if (backend->scope() == scope()) add(before + std::string(backend->name()));
        return;
      case Values::engine:
        add(before + std::string(to_text(Engine::native)), "holdfast itself");
        add(before + std::string(to_text(Engine::autossh)));
        return;
      case Values::host:
        add(before + "any", "each host that it is set up on");
        add(before + host_.hostname(), "this host");
        return;
      case Values::hook_shell:
        for (const auto shell :
             {backends::Shell::sh, backends::Shell::bash, backends::Shell::zsh, backends::Shell::fish})
          add(before + std::string(backends::to_text(shell)));
        return;
      case Values::completion_shell:
        if (!reading_.operands.empty()) return;
        for (const auto& script : k_completion_scripts) add(before + std::string(script.shell));
        return;
    }
  }

  [[nodiscard]] Scope scope() const {
    if (reading_.given.contains("system")) return Scope::system;
    return reading_.given.contains("user") ? Scope::user : tunnels::usual_scope(host_);
  }

  void add_tunnels(const std::string& before) {
    const auto paths = store::paths(scope(), host_);
    if (!paths) return;
    for (const auto& name : store::tunnel_names(host_, *paths))
      if (std::ranges::find(reading_.operands, name.text()) == reading_.operands.end())
        add(before + name.text(), "tunnel");
  }

  /// A user that was typed stays before each.
  void add_bastions(const std::string& before) {
    const auto value = unfinished_.substr(before.size());
    const auto user = value.substr(0, value.rfind('@') + 1);  // all of it, or nothing: npos + 1 is 0
    if (!user.empty() && !Destination::parse(user + "h")) return;
    const auto typed = before + user;
    for (const auto& alias : ssh::host_aliases(host_, host_.user().home)) add(typed + alias);
  }

  const Reading& reading_;
  std::string unfinished_;
  const os::Host& host_;
  Completions answer_;
};

}  // namespace

Completions completions(const std::vector<std::string>& line, const os::Host& host) {
  if (line.empty()) return {};
  Reading reading{.options = common_options()};
  for (std::size_t i = 0; i + 1 < line.size(); ++i) take(reading, line[i]);
  return Completer(reading, line.back(), host).answer();
}

std::string completion_lines(const Completions& completions) {
  std::string lines = completions.files ? ":file\n" : "";
  for (const auto& completion : completions.words) lines += completion.word + "\t" + completion.note + "\n";
  return lines;
}

}  // namespace holdfast::cli
