#include "tunnels/import/command_line.hpp"

#include "core/text.hpp"

#include <cctype>
#include <optional>

namespace holdfast::tunnels {
namespace {

constexpr std::string_view k_blanks = " \t";

Error unsupported(const std::string& part) {
  return Error{"reading", "the command", "import does not support " + part};
}

class ShellReader {
 public:
  ShellReader(std::string_view line, const std::string& home) : rest_(line), home_(home) {}

  Result<std::vector<Token>> read() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (k_blanks.find(c) != std::string_view::npos) {
        end_word();
        rest_.remove_prefix(1);
      } else if (c == '#' && !word_) {
        break;
      } else if (take_operator()) {
        continue;
      } else {
        HOLDFAST_CHECK(take_character(c));
      }
    }
    end_word();
    return std::move(tokens_);
  }

 private:
  void end_word() {
    if (word_) tokens_.push_back({std::move(*word_), false});
    word_.reset();
  }

  bool take_operator() {
    // A redirection may begin with a file descriptor number, as in "2>".
    for (const std::string_view sign :
         {"2>&1", "1>&2", "2>>", "2>", "1>", "&>>", "&>", ">&", "&&", "||", ">>", ">", "<", "&", ";", "|"}) {
      if (!rest_.starts_with(sign) || (word_ && (sign.front() == '1' || sign.front() == '2'))) continue;
      end_word();
      tokens_.push_back({std::string(sign), true});
      rest_.remove_prefix(sign.size());
      return true;
    }
    return false;
  }

  Result<> take_character(char c) {
    if (!word_) word_.emplace();
    if (c == '\'') return take_single();
    if (c == '"') return take_double();
    if (c == '$') return take_variable();
    if (c == '\\') {
      if (rest_.size() < 2) return unsupported("a backslash at the end");
      *word_ += rest_[1];
      rest_.remove_prefix(2);
      return {};
    }
    if (c == '~' && word_->empty()) {
      if (!rest_.starts_with("~/")) return unsupported("another user's home (~NAME)");
      *word_ += home_;
      rest_.remove_prefix(1);
      return {};
    }
    if (std::string_view("`(){}*?[]!^").find(c) != std::string_view::npos && !is_address_bracket(c) &&
        !(c == '!' && word_->empty() && rest_.starts_with("! ")))
      return unsupported(std::string("an unquoted \"") + c + "\"");
    *word_ += c;
    rest_.remove_prefix(1);
    return {};
  }

  /// In [::1]:2222:… the shell expands nothing, unless a file matches the pattern.
  [[nodiscard]] bool is_address_bracket(char c) const {
    return (c == '[' || c == ']') && rest_.substr(0, rest_.find_first_of(k_blanks)).find(':') != std::string_view::npos;
  }

  Result<> take_single() {
    const auto end = rest_.find('\'', 1);
    if (end == std::string_view::npos) return unsupported("a quote that is not closed");
    *word_ += rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return {};
  }

  Result<> take_double() {
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      if (c == '$') {
        HOLDFAST_CHECK(take_variable());
        continue;
      }
      if (c == '`') return unsupported("a command substitution");
      const bool escapes =
          c == '\\' && rest_.size() > 1 && std::string_view("\"\\$`").find(rest_[1]) != std::string_view::npos;
      *word_ += escapes ? rest_[1] : c;
      rest_.remove_prefix(escapes ? 2 : 1);
    }
    if (rest_.empty()) return unsupported("a quote that is not closed");
    rest_.remove_prefix(1);
    return {};
  }

  Result<> take_variable() {
    for (const std::string_view name : {"${HOME}", "$HOME"}) {
      if (!rest_.starts_with(name)) continue;
      const auto after = rest_.substr(name.size());
      if (name.back() == 'E' && !after.empty() &&
          (std::isalnum(static_cast<unsigned char>(after.front())) != 0 || after.front() == '_'))
        break;
      *word_ += home_;
      rest_ = after;
      return {};
    }
    return unsupported("the variable or substitution " + printable(rest_.substr(0, rest_.find_first_of(" \t\"/"))));
  }

  std::string_view rest_;
  const std::string& home_;
  std::optional<std::string> word_;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> shell_tokens(std::string_view line, const std::string& home) {
  for (const char c : line)
    if (c != '\t' && has_control_bytes(std::string_view(&c, 1))) return unsupported("a control character");
  return ShellReader(line, home).read();
}

Result<std::vector<std::string>> systemd_words(std::string_view line, const std::string& home) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && k_blanks.find(c) != std::string_view::npos) {
      if (word) words.push_back(std::move(*word));
      word.reset();
      continue;
    }
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      if (!word) word.emplace();
    } else if (c == '\\' || c == '%') {
      if (i + 1 == line.size()) return unsupported(std::string("a \"") + c + "\" at the end");
      const char next = line[++i];
      if (!word) word.emplace();
      if (c == '%' && next == 'h')
        *word += home;
      else if (c == '%' ? next == '%' : std::string_view("\\\"' ").find(next) != std::string_view::npos)
        *word += next;
      else
        return unsupported(std::string("\"") + c + next + "\"");
    } else if (c == '$') {
      return unsupported("the variable " + printable(line.substr(i, line.find_first_of(" \t\"'", i) - i)));
    } else {
      if (!word) word.emplace();
      *word += c;
    }
  }
  if (quote != 0) return unsupported("a quote that is not closed");
  if (word) words.push_back(std::move(*word));
  return words;
}

}  // namespace holdfast::tunnels
