#include "ssh/keys/authorized_keys.hpp"

#include "core/loopback_endpoint.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::ssh {
namespace {

constexpr std::string_view k_restrict = "restrict";
constexpr std::string_view k_forwarding = "port-forwarding";
constexpr std::string_view k_command = "command=\"/bin/false\"";

/// A line with a key: its options as written, and the key.
struct KeyLine {
  std::string_view options;
  PublicKey key;
};

/// The options end at the first blank outside quotes; a backslash escapes a quote, sshd(8).
std::size_t end_of_options(std::string_view line) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '"')
      ++i;
    else if (line[i] == '"')
      quoted = !quoted;
    else if (!quoted && (line[i] == ' ' || line[i] == '\t'))
      return i;
  }
  return line.size();
}

std::optional<KeyLine> parse_line(std::string_view line) {
  line = trim(line);
  if (line.empty() || line.front() == '#') return std::nullopt;
  if (auto key = PublicKey::parse(line)) return KeyLine{{}, std::move(*key)};
  const auto end = end_of_options(line);
  auto key = PublicKey::parse(line.substr(end));
  if (!key) return std::nullopt;
  return KeyLine{line.substr(0, end), std::move(*key)};
}

/// VALUE of `name="VALUE"`; nothing for another option, or a value with a quote.
std::optional<std::string> value_of(std::string_view option, std::string_view name) {
  if (!option.starts_with(name) || !option.ends_with('"')) return std::nullopt;
  option.remove_prefix(name.size());
  if (!option.starts_with("=\"") || option.size() < 4) return std::nullopt;
  const auto value = option.substr(2, option.size() - 3);
  if (value.find('"') != std::string_view::npos) return std::nullopt;
  return std::string(value);
}

/// The permits of a tunnel line; nothing for options of another kind. Values of tunnel lines contain no comma.
std::optional<Permits> tunnel_permits(std::string_view options) {
  Permits permits;
  bool restricted = false;
  bool commanded = false;
  for (const auto& option : split(options, ',')) {
    if (option == k_restrict)
      restricted = true;
    else if (option == k_command)
      commanded = true;
    else if (const auto listen = value_of(option, "permitlisten"))
      permits.listen.push_back(*listen);
    else if (const auto open = value_of(option, "permitopen"))
      permits.open.push_back(*open);
    else if (option != k_forwarding)
      return std::nullopt;
  }
  if (!restricted || !commanded || permits.listen.empty() || permits.open.empty()) return std::nullopt;
  return permits;
}

void add(std::vector<std::string>& to, const std::vector<std::string>& more) {
  for (const auto& one : more)
    if (std::ranges::find(to, one) == to.end()) to.push_back(one);
}

void remove(std::vector<std::string>& from, const std::vector<std::string>& values) {
  std::erase_if(from, [&](const std::string& one) { return std::ranges::find(values, one) != values.end(); });
}

/// The lines of the file, each with its line break, and whether they belong to the key.
struct File {
  struct Line {
    std::string_view bytes;
    bool is_of_key = false;
    std::optional<Permits> tunnel = {};  ///< of a tunnel line of the key
  };
  std::vector<Line> lines;

  File(std::string_view text, const PublicKey& key) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
      Line line{text.substr(0, end)};
      auto bare = line.bytes;
      if (bare.ends_with('\n')) bare.remove_suffix(1);
      if (bare.ends_with('\r')) bare.remove_suffix(1);
      const auto parsed = parse_line(bare);
      line.is_of_key = parsed && parsed->key.type == key.type && parsed->key.blob == key.blob;
      if (line.is_of_key) line.tunnel = tunnel_permits(parsed->options);
      lines.push_back(std::move(line));
      text.remove_prefix(end);
    }
  }

  /// The text with `line`, unless empty, in place of the lines of the key for which `goes` is true, else at the end.
  template <class Predicate>
  [[nodiscard]] std::string with(const std::string& line, Predicate goes) const {
    std::string text;
    bool placed = line.empty();
    for (const auto& one : lines) {
      if (!one.is_of_key || !goes(one)) {
        text += one.bytes;
        continue;
      }
      if (!placed) text += line + '\n';
      placed = true;
    }
    if (placed) return text;
    if (!text.empty() && text.back() != '\n') text += '\n';
    return text + line + '\n';
  }
};

bool is_any(const File::Line&) { return true; }
bool is_tunnel_line(const File::Line& line) { return line.tunnel.has_value(); }

}  // namespace

Permits permits_for(const std::vector<Forward>& forwards) {
  Permits permits;
  for (const auto& forward : forwards) {
    if (!std::holds_alternative<TcpEnd>(forward.listen())) continue;
    add(permits.listen, {end_text(forward.listen())});
    add(permits.open, {end_text(loopback_endpoint(forward.listen()))});
    for (const End& end : loopback_endpoints(forward.listen())) add(permits.open, {end_text(end)});
  }
  if (permits.listen.empty()) permits = {{"127.0.0.1:1"}, {"127.0.0.1:9"}};  // tcpmux and discard: RFC 1078, RFC 863
  return permits;
}

std::string authorized_line(const PublicKey& key, const Permits& permits) {
  auto line = fmt::format("{},{},{}", k_restrict, k_forwarding, k_command);
  for (const auto& listen : permits.listen) line += fmt::format(",permitlisten=\"{}\"", listen);
  for (const auto& open : permits.open) line += fmt::format(",permitopen=\"{}\"", open);
  line += fmt::format(" {} {}", key.type, key.blob);
  return key.comment.empty() ? line : line + ' ' + printable(key.comment);
}

Result<KeysEdit> with_permits(std::string_view text, const PublicKey& key, const Permits& permits, bool replace) {
  const File file(text, key);
  Permits all;
  bool found = false;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const auto& line = file.lines[i];
    if (!line.is_of_key) continue;
    found = true;
    if (replace) continue;
    if (!line.tunnel)
      return Error{"authorizing the key in", "line " + std::to_string(i + 1) + " of authorized_keys",
                   "the key already has a line with other rights than a tunnel",
                   "use a separate key for the tunnel, or add --replace if nobody logs in with this one"};
    add(all.listen, line.tunnel->listen);
    add(all.open, line.tunnel->open);
  }
  add(all.listen, permits.listen);
  add(all.open, permits.open);
  KeysEdit edit{.change = KeysChange::added, .text = {}, .line = authorized_line(key, all)};
  const auto same = [&](const File::Line& line) { return line.is_of_key && line.tunnel == all; };
  const auto of_key = std::ranges::count_if(file.lines, &File::Line::is_of_key);
  if (of_key == 1 && std::ranges::any_of(file.lines, same)) {
    edit.change = KeysChange::none;
    edit.text = std::string(text);
    return edit;
  }
  if (found) edit.change = replace ? KeysChange::replaced : KeysChange::extended;
  edit.text = file.with(edit.line, is_any);
  return edit;
}

KeysEdit without_permits(std::string_view text, const PublicKey& key, const Permits& permits) {
  const File file(text, key);
  Permits left;
  Permits before;
  for (const auto& line : file.lines) {
    if (!line.tunnel) continue;
    add(before.listen, line.tunnel->listen);
    add(before.open, line.tunnel->open);
  }
  left = before;
  remove(left.listen, permits.listen);
  remove(left.open, permits.open);
  KeysEdit edit{.change = KeysChange::none, .text = std::string(text), .line = {}};
  if (left == before) return edit;
  edit.change = KeysChange::removed;
  if (!left.listen.empty()) {
    edit.change = KeysChange::narrowed;
    edit.line = authorized_line(key, left);
  }
  edit.text = file.with(edit.line, is_tunnel_line);
  return edit;
}

}  // namespace holdfast::ssh
