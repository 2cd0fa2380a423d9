#include "tunnels/import/autossh_command.hpp"

#include "core/ssh_option_rules.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::tunnels {
namespace {

constexpr std::string_view k_flags_that_change_nothing = "NTnqvfxak";  // ssh(1); autossh(1) for -f
constexpr std::string_view k_with_argument = "MRioplbcmJBDEeFILOPQSWw";

Error refused(const std::string& argument, std::string cause) {
  return Error{"importing", "the argument " + argument, std::move(cause)};
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& argv) : argv_(argv) {}

  Result<AutosshCommand> read() {
    bool options_over = false;
    for (at_ = 1; at_ < argv_.size(); ++at_) {
      const auto& word = argv_[at_];
      if (!options_over && word == "--") {
        options_over = true;
      } else if (!options_over && word.size() > 1 && word.front() == '-') {
        HOLDFAST_CHECK(take_options(word));
      } else if (host_.empty()) {
        host_ = word;
      } else {
        return refused("\"" + word + "\"", "a tunnel runs no command at the bastion");
      }
    }
    if (host_.empty()) return Error{"importing", "the command", "it names no bastion"};
    if (forwards_.empty()) return Error{"importing", "the command", "it has no reverse forward (-R)"};
    HOLDFAST_TRY(auto bastion, destination());
    return AutosshCommand{std::move(bastion),  std::move(forwards_), std::move(identity_),
                          std::move(options_), std::move(notes_),    in_background_};
  }

 private:
  Result<> take_options(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      if (k_with_argument.find(letter) != std::string_view::npos) {
        std::string value = word.substr(i + 1);
        if (value.empty()) {
          if (at_ + 1 == argv_.size()) return refused(std::string("-") + letter, "its value is missing");
          value = argv_[++at_];
        }
        return take_value(letter, value);
      }
      if (letter == 'f') in_background_ = true;
      if (letter == 'C')
        options_.push_back({"Compression", "yes"});
      else if (letter == '4' || letter == '6')
        options_.push_back({"AddressFamily", letter == '4' ? "inet" : "inet6"});
      else if (k_flags_that_change_nothing.find(letter) == std::string_view::npos)
        return refused(std::string("-") + letter, "a holdfast tunnel has no such option");
    }
    return {};
  }

  Result<> take_value(char letter, const std::string& value) {
    switch (letter) {
      case 'M':
        return {};  // the end-to-end probe replaces autossh's monitoring port
      case 'R':
        return take_forward(value);
      case 'i':
        return take_identity(value);
      case 'p':
        return take_port(value);
      case 'l':
        user_ = value;
        return {};
      case 'o':
        return take_option(value);
      case 'J':
        return keep({"ProxyJump", value});
      case 'b':
        return keep({"BindAddress", value});
      case 'c':
        return keep({"Ciphers", value});
      case 'm':
        return keep({"MACs", value});
      default:
        return refused(fmt::format("-{} {}", letter, value), "a holdfast tunnel has no such option");
    }
  }

  Result<> take_forward(const std::string& value) {
    // With no target it is a SOCKS proxy: ssh(1), -R.
    if (std::ranges::count(value, ':') < 2 && value.find('/') == std::string::npos)
      return refused("-R " + value, "holdfast does not support a SOCKS proxy");
    HOLDFAST_TRY(auto forward, Forward::parse(value));
    forwards_.push_back(std::move(forward));
    return {};
  }

  Result<> take_identity(const std::string& value) {
    if (identity_ && *identity_ != value)
      return refused("-i " + value, "the command has two keys, and a tunnel has one");
    identity_ = value;
    return {};
  }

  Result<> take_port(const std::string& value) {
    const auto number = parse_number(value, 1, 65535);
    if (!number) return refused("-p " + value, "it is not a port from 1 to 65535");
    port_ = number;
    return {};
  }

  Result<> take_option(const std::string& text) {
    const auto end = text.find_first_of("= \t");
    const std::string key = text.substr(0, end);
    std::string value(end == std::string::npos ? std::string_view() : trim(std::string_view(text).substr(end + 1)));
    if (value.starts_with('=')) value = trim(std::string_view(value).substr(1));
    if (equals_ignoring_case(key, "IdentityFile")) return take_identity(value);
    if (equals_ignoring_case(key, "Port")) return take_port(value);
    if (equals_ignoring_case(key, "User")) {
      user_ = value;
      return {};
    }
    for (const std::string_view other :
         {"RemoteForward", "LocalForward", "DynamicForward", "RemoteCommand", "LocalCommand", "Tunnel", "TunnelDevice"})
      if (equals_ignoring_case(key, other)) return refused("-o " + text, "a holdfast tunnel has no such option");
    if (ssh_option_refusal(key, value)) {
      const bool strict = equals_ignoring_case(key, "StrictHostKeyChecking") && equals_ignoring_case(value, "yes");
      if (!strict && !is_enforced_ssh_option(key))
        notes_.push_back("not imported: " + printable(text) + ": the bastion's host key is checked");
      return {};
    }
    HOLDFAST_TRY(auto option, SshOption::parse(key + "=" + value));
    return keep(std::move(option));
  }

  Result<> keep(SshOption option) {
    options_.push_back(std::move(option));
    return {};
  }

  Result<Destination> destination() const {
    auto text = host_;
    const auto host_at = text.rfind('@') == std::string::npos ? 0 : text.rfind('@') + 1;
    if (std::ranges::count(text, ':') > 1 && text[host_at] != '[')
      text = text.substr(0, host_at) + "[" + text.substr(host_at) + "]";
    else if (text.find(':') != std::string::npos && text[host_at] != '[')
      return refused(text, "ssh takes a port only with -p");
    if (user_ && host_at == 0) text = *user_ + "@" + text;
    if (port_) text += ":" + std::to_string(*port_);
    return Destination::parse(text);
  }

  const std::vector<std::string>& argv_;
  std::size_t at_ = 0;
  std::string host_;
  std::optional<std::string> user_;
  std::optional<std::uint32_t> port_;
  std::vector<Forward> forwards_;
  std::optional<std::string> identity_;
  std::vector<SshOption> options_;
  std::vector<std::string> notes_;
  bool in_background_ = false;
};

bool is_assignment(const std::string& word) {
  const auto equal = word.find('=');
  return equal != std::string::npos && consists_of(std::string_view(word).substr(0, equal), "_");
}

using Tokens = std::vector<Token>;

bool is_redirection(const Token& token) {
  return token.is_operator && token.text.find_first_of("<>") != std::string::npos;
}

bool is_word(const Token& token, std::string_view text) { return !token.is_operator && token.text == text; }

void drop_end(Tokens& tokens) {
  while (!tokens.empty() && tokens.back().is_operator && (tokens.back().text == "&" || tokens.back().text == ";"))
    tokens.pop_back();
}

bool asks_for_processes(const Token& token) { return is_word(token, "pgrep") || is_word(token, "pidof"); }

/// `if ! pgrep …; then COMMAND; fi`: COMMAND.
Result<> take_off_guard(Tokens& tokens) {
  if (tokens.empty() || !is_word(tokens.front(), "if")) return {};
  const auto then = std::ranges::find_if(tokens, [](const Token& token) { return is_word(token, "then"); });
  const bool guarded = tokens.size() > 2 && is_word(tokens[1], "!") && asks_for_processes(tokens[2]);
  if (!guarded || then == tokens.end() || !is_word(tokens.back(), "fi"))
    return refused("\"if\"", "its condition is not pgrep or pidof");
  tokens.pop_back();
  tokens.erase(tokens.begin(), then + 1);
  drop_end(tokens);
  return {};
}

Result<Tokens> without_redirections(const Tokens& tokens) {
  Tokens kept;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!is_redirection(tokens[i])) {
      kept.push_back(tokens[i]);
    } else if (!tokens[i].text.ends_with("&1") && !tokens[i].text.ends_with("&2")) {
      if (++i == tokens.size() || tokens[i].is_operator) return refused(tokens[i - 1].text, "its file name is missing");
    }
  }
  return kept;
}

}  // namespace

bool names_autossh(std::string_view word) noexcept { return word == "autossh" || word.ends_with("/autossh"); }

Result<AutosshCommand> read_autossh(const std::vector<std::string>& argv) {
  if (argv.empty() || !names_autossh(argv.front())) return Error{"importing", "the command", "it is not autossh"};
  return Reader(argv).read();
}

Result<StartLine> read_start_line(const std::vector<Token>& tokens) {
  HOLDFAST_TRY(auto rest, without_redirections(tokens));
  drop_end(rest);
  HOLDFAST_CHECK(take_off_guard(rest));
  // Commands before the last "||", "&&" or ";" may only check whether it runs already, or sleep.
  while (true) {
    const auto sign = std::ranges::find_if(rest, &Token::is_operator);
    if (sign == rest.end()) break;
    const auto& guard = rest.front().text;
    const bool asks = asks_for_processes(rest.front()) && sign->text == "||";
    const bool waits = guard == "sleep" && (sign->text == "&&" || sign->text == ";");
    if (sign == rest.begin() || (!asks && !waits)) return refused(sign->text, "the line does more than start autossh");
    rest.erase(rest.begin(), sign + 1);
  }
  StartLine line;
  constexpr std::array<std::string_view, 5> k_wrappers{"nohup", "setsid", "exec", "env", "command"};
  auto word = rest.begin();
  for (; word != rest.end() && !names_autossh(word->text); ++word) {
    if (std::ranges::find(k_wrappers, word->text) != k_wrappers.end()) continue;
    if (!is_assignment(word->text) || !word->text.starts_with("AUTOSSH_"))
      return refused("\"" + word->text + "\"", "import does not support it before autossh");
    line.assignments.push_back(word->text);
  }
  for (; word != rest.end(); ++word) line.argv.push_back(word->text);
  if (line.argv.empty()) return Error{"importing", "the line", "it does not start autossh"};
  return line;
}

}  // namespace holdfast::tunnels
