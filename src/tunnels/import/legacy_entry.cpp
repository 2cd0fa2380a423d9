#include "tunnels/import/legacy_entry.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::tunnels {
namespace {

using Kind = LegacyEntry::Kind;

/// Lines with their line breaks.
std::vector<std::string> lines_with_ends(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

/// ": #" begins a line that an import has disabled.
bool starts_comment(std::string_view line) { return trim(line).starts_with('#') || trim(line).starts_with(": #"); }
bool mentions_autossh(std::string_view line) {
  return !starts_comment(line) && line.find("autossh") != std::string_view::npos;
}

bool is_continued(const std::string& line) {
  auto end = line.find_last_not_of("\r\n");
  std::size_t backslashes = 0;
  while (end != std::string::npos && end < line.size() && line[end] == '\\') {
    ++backslashes;
    if (end-- == 0) break;
  }
  return backslashes % 2 == 1;
}

/// The lines without line breaks and continuation backslashes.
std::string joined(const std::vector<std::string>& lines, std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t i = first; i < first + count; ++i) {
    auto line = lines[i].substr(0, lines[i].find_last_not_of("\r\n") + 1);
    if (is_continued(line)) line.pop_back();
    text += line + ' ';
  }
  return text;
}

Result<AutosshCommand> parse_command(LegacyEntry& source, const std::string& line, const std::string& home) {
  HOLDFAST_TRY(const auto tokens, shell_tokens(line, home));
  HOLDFAST_TRY(source.start, read_start_line(tokens));
  return read_autossh(source.start.argv);
}

LegacyEntry make_entry(Kind kind, std::string where, const std::vector<std::string>& lines, std::size_t first,
                       std::size_t count, const std::string& command, const std::string& home) {
  LegacyEntry source{.kind = kind, .where = std::move(where), .first_line = first, .command = Error{}};
  for (std::size_t i = first; i < first + count; ++i) source.text += lines[i];
  source.command = parse_command(source, command, home);
  return source;
}

/// Removes and returns the first word.
std::optional<std::string_view> next_field(std::string_view& line) {
  const auto end = line.find_first_of(" \t");
  if (end == std::string_view::npos) return std::nullopt;
  const auto field = line.substr(0, end);
  line = trim(line.substr(end));
  return field;
}

/// The rest after "@reboot" or after the five time fields: crontab(5).
std::optional<std::string_view> after_times(std::string_view line) {
  line = trim(line);
  const int fields = line.starts_with('@') ? 1 : 5;
  for (int i = 0; i < fields; ++i)
    if (!next_field(line)) return std::nullopt;
  return line;
}

/// cron ends the command at "%", and reads "\%" as a percent sign: crontab(5).
Result<std::string> without_percents(std::string_view command) {
  std::string text;
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i] == '%') return Error{"reading", "the command", "import does not support the input after \"%\""};
    if (command[i] == '\\' && i + 1 < command.size() && command[i + 1] == '%') ++i;
    text += command[i];
  }
  return text;
}

/// The number of lines from `first` that belong together: continued lines, and an `if … then` up to its `fi`.
std::size_t extent(const std::vector<std::string>& lines, std::size_t first) {
  std::size_t end = first;
  const auto skip_line = [&] {
    while (end < lines.size() && is_continued(lines[end])) ++end;
    if (end < lines.size()) ++end;
  };
  skip_line();
  const auto opens = [&](std::size_t from, std::size_t to) {
    const auto text = joined(lines, from, to - from);
    const auto words = trim(text);
    return words.starts_with("if ") && !words.ends_with(" fi") && !words.ends_with(";fi");
  };
  if (!opens(first, end)) return end - first;
  while (end < lines.size()) {
    const auto from = end;
    skip_line();
    const auto line = joined(lines, from, end - from);
    if (trim(line) == "fi") break;
  }
  return end - first;
}

/// These lines as one, with ";" where a line break ends a command.
std::string one_line(const std::vector<std::string>& lines, std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t i = first; i < first + count;) {
    std::size_t end = i;
    while (end < first + count && is_continued(lines[end])) ++end;
    const auto part = joined(lines, i, std::min(end + 1, first + count) - i);
    const auto words = trim(part);
    if (!words.empty() && !starts_comment(words)) {
      text += words;
      text += words.ends_with("then") || words.ends_with(';') ? " " : " ; ";
    }
    i = end + 1;
  }
  return text;
}

constexpr std::string_view k_replacing = "# holdfast replaces it (tunnel ";
constexpr std::string_view k_replaced = "# holdfast has it (tunnel ";

/// The source's lines, as comments that name the tunnel unless they are active.
std::vector<std::string> lines_in(LineState state, const LegacyEntry& source, const TunnelName& name) {
  auto lines = lines_with_ends(source.text);
  if (state == LineState::active) return lines;
  for (std::size_t i = 0; i < lines.size(); ++i)
    lines[i] = fmt::format("{}{}{}): {}", source.kind == Kind::file && i == 0 ? ": " : "",
                           state == LineState::replacing ? k_replacing : k_replaced, name.text(), lines[i]);
  return lines;
}

/// Removes the comment of an import that did not end; the tunnel that it names.
std::optional<TunnelName> take_interrupted(std::string& line) {
  constexpr std::string_view k_end = "): ";
  const auto end = line.find(k_end);
  if (!line.starts_with(k_replacing) || end == std::string::npos) return std::nullopt;
  auto name = TunnelName::parse(std::string_view(line).substr(k_replacing.size(), end - k_replacing.size()));
  if (!name) return std::nullopt;
  line.erase(0, end + k_end.size());
  return std::move(*name);
}

/// `text` with the lines `from` replaced by `to`, at line `likely` or else at their first occurrence; nothing when
/// there is none.
std::optional<std::string> exchanged(const std::string& text, const std::vector<std::string>& from,
                                     const std::vector<std::string>& to, std::size_t likely) {
  auto lines = lines_with_ends(text);
  const auto fits = [&](std::size_t at) {
    return at + from.size() <= lines.size() &&
           std::equal(from.begin(), from.end(), lines.begin() + static_cast<std::ptrdiff_t>(at));
  };
  auto at = likely;
  if (!fits(at))
    for (at = 0; at < lines.size() && !fits(at);) ++at;
  if (from.empty() || !fits(at)) return std::nullopt;
  std::ranges::copy(to, lines.begin() + static_cast<std::ptrdiff_t>(at));
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

struct CronLine {
  const std::vector<std::string>& all;
  std::size_t number;
  std::string rest;  ///< after the time fields
};

/// `make` of each line that mentions autossh.
std::vector<LegacyEntry> crontab_sources(const std::string& text,
                                         const std::function<LegacyEntry(const CronLine&)>& make) {
  std::vector<LegacyEntry> found;
  auto lines = lines_with_ends(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto interrupted = take_interrupted(lines[i]);
    if (!mentions_autossh(lines[i])) continue;
    const auto bare = joined(lines, i, 1);
    const auto word = trim(bare);
    if (word.find('=') < word.find_first_of(" \t")) continue;  // a variable
    const auto rest = after_times(bare);
    auto plain =
        rest ? without_percents(*rest) : Result<std::string>(Error{"reading", "the line", "it has no command"});
    auto source = make({lines, i, plain ? *plain : std::string()});
    if (!plain) source.command = std::move(plain).error();
    source.interrupted = std::move(interrupted);
    found.push_back(std::move(source));
  }
  return found;
}

struct UnitReader {
  const std::string& home;
  LegacyEntry& source;
  std::optional<std::string> start = {};

  Result<AutosshCommand> read(const std::string& text) {
    bool in_service = false;
    const auto lines = lines_with_ends(text);
    for (std::size_t i = 0; i < lines.size();) {
      std::size_t count = 1;
      while (is_continued(lines[i + count - 1]) && i + count < lines.size()) ++count;
      const auto whole = joined(lines, i, count);
      i += count;
      const auto line = trim(whole);
      if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
      if (line.starts_with('['))
        in_service = line == "[Service]";
      else if (in_service)
        HOLDFAST_CHECK(take(line));
    }
    if (!start) return Error{"reading", source.where, "it has no ExecStart="};
    HOLDFAST_TRY(const auto words, systemd_words(*start, home));
    return read_autossh(words);
  }

  Result<> take(std::string_view line) {
    const auto equal = std::min(line.find('='), line.size());
    const std::string key(trim(line.substr(0, equal)));
    const std::string value(trim(line.substr(std::min(equal + 1, line.size()))));
    if (key == "ExecStart") {
      if (start && !value.empty()) return refuse(key, "there is more than one");
      start = value;
    } else if (key == "User") {
      source.user = value;
    } else if (key == "Environment") {
      HOLDFAST_TRY(const auto words, systemd_words(value, home));
      for (const auto& word : words)
        if (!word.starts_with("AUTOSSH_"))
          return refuse("Environment=" + word, "a holdfast tunnel has no such setting");
    } else if (key == "EnvironmentFile" || key == "RootDirectory" || key == "NetworkNamespacePath" ||
               (key.starts_with("Exec") && key != "ExecStop" && key != "ExecReload")) {
      return refuse(key + "=", "a holdfast tunnel has no such setting");
    }
    return {};
  }

  [[nodiscard]] Error refuse(const std::string& what, std::string cause) const {
    return Error{"importing", what + " of " + source.where, std::move(cause)};
  }
};

}  // namespace

std::string_view to_text(Kind kind) noexcept {
  switch (kind) {
    case Kind::unit:
      return "unit";
    case Kind::crontab:
    case Kind::system_crontab:
      return "crontab";
    case Kind::file:
      break;
  }
  return "file";
}

LegacyEntry read_unit(const std::string& name, const fs::path& file, const std::string& text, const std::string& home) {
  LegacyEntry source{.kind = Kind::unit, .where = name, .file = file, .command = Error{}};
  source.command = UnitReader{home, source}.read(text);
  return source;
}

std::vector<LegacyEntry> read_crontab_lines(const std::string& text, const std::string& home) {
  return crontab_sources(text, [&](const CronLine& line) {
    return make_entry(Kind::crontab, "your crontab", line.all, line.number, 1, line.rest, home);
  });
}

std::vector<LegacyEntry> read_system_crontab_lines(
    const fs::path& file, const std::string& text,
    const std::function<Result<std::string>(const std::string& user)>& home_of) {
  return crontab_sources(text, [&](const CronLine& line) {
    std::string_view rest = line.rest;
    const std::string user(next_field(rest).value_or(""));
    const auto home =
        user.empty() ? Result<std::string>(Error{"reading", "the line", "it names no user"}) : home_of(user);
    auto source = make_entry(Kind::system_crontab, file.string(), line.all, line.number, 1, std::string(rest),
                             home ? *home : std::string());
    if (!home) source.command = home.error();
    source.file = file;
    source.user = user;
    return source;
  });
}

std::vector<LegacyEntry> read_shell_lines(const fs::path& file, const std::string& text, const std::string& home) {
  std::vector<LegacyEntry> found;
  const auto lines = lines_with_ends(text);
  for (std::size_t i = 0; i < lines.size();) {
    auto count = extent(lines, i);
    const auto has_autossh = [&](std::size_t from, std::size_t to) {
      return std::any_of(lines.begin() + static_cast<std::ptrdiff_t>(from),
                         lines.begin() + static_cast<std::ptrdiff_t>(to), mentions_autossh);
    };
    // Only an `if` around pgrep or pidof belongs to the command; the lines inside any other `if` are read one by one.
    const auto whole = one_line(lines, i, count);
    const bool guard = whole.find("pgrep") < whole.find("then") || whole.find("pidof") < whole.find("then");
    if (whole.starts_with("if ") && !guard) count = 1;
    if (has_autossh(i, i + count) && !(whole.starts_with("if ") && !guard && count == 1 && !mentions_autossh(lines[i])))
      found.push_back(make_entry(Kind::file, file.string(), lines, i, count, one_line(lines, i, count), home));
    if (!found.empty() && found.back().kind == Kind::file) found.back().file = file;
    i += count;
  }
  return found;
}

std::optional<std::string> with_lines(const std::string& text, const LegacyEntry& source, const TunnelName& name,
                                      LineState from, LineState to) {
  return exchanged(text, lines_in(from, source, name), lines_in(to, source, name), source.first_line);
}

}  // namespace holdfast::tunnels
