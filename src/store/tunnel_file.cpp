#include "store/tunnel_file.hpp"

#include "core/text.hpp"
#include "store/paths.hpp"

#include <fmt/format.h>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace holdfast::store {
namespace {

namespace po = boost::program_options;

/// One `key = value` line; `key` in its normal form, with '-'.
struct Line {
  std::size_t number = 0;
  std::string key;
  std::string value;
};

Error refuse(const std::string& file, std::string cause, std::string hint = {}) {
  return Error{"reading", file, std::move(cause), std::move(hint)};
}

Error refuse_line(const std::string& file, std::size_t number, std::string_view key, std::string cause,
                  std::string hint = {}) {
  const std::string comma = key.empty() ? "" : ", ";
  return Error{"reading", fmt::format("{} line {}{}{}", file, number, comma, key.substr(0, 64)), std::move(cause),
               std::move(hint)};
}

const po::options_description& known_keys() {
  static const po::options_description k_keys = [] {
    po::options_description keys;
    const auto once = [] { return po::value<std::string>(); };
    const auto repeatable = [] { return po::value<std::vector<std::string>>()->composing(); };
    auto add = keys.add_options();
    add("port", repeatable(), "");
    add("bastion", once(), "");
    add("identity", once(), "");
    add("backend", once(), "");
    add("engine", once(), "");
    add("host", once(), "");
    add("machine", once(), "");
    add("ssh-option", repeatable(), "");
    add("run-as", once(), "");
    add("known-hosts", once(), "");
    add("runtime-dir", once(), "");
    add("probe-interval", once(), "");
    add("takeover", once(), "");
    return keys;
  }();
  return k_keys;
}

std::string normal_key(std::string_view written) {
  std::string key(written);
  std::replace(key.begin(), key.end(), '_', '-');
  return key == "secret-key" ? "identity" : key;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

/// The text between double quotes; after them only a comment may stand.
Result<std::string> unquote(std::string_view text) {
  const auto refuse_quotes = [](std::string cause) {
    return Error{"reading", {}, std::move(cause), R"(inside double quotes, \" is a quote and \\ a backslash)"};
  };
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      const std::string_view rest = trim(text.substr(i + 1));
      if (!rest.empty() && rest.front() != '#') return refuse_quotes("something follows the closing quote");
      return value;
    }
    if (text[i] == '\\') {
      if (i + 1 == text.size() || (text[i + 1] != '"' && text[i + 1] != '\\'))
        return refuse_quotes("a backslash stands before neither a quote nor a backslash");
      ++i;
    }
    value += text[i];
  }
  return refuse_quotes("the opening quote has no closing one");
}

/// The value behind '=', without comment, blanks and quotes. Program_options' own reader would cut it at any '#'.
Result<std::string> read_value(std::string_view text) {
  const std::string_view whole = trim(text);
  if (!whole.empty() && whole.front() == '"') return unquote(whole);
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i] == '#' && (i == 0 || is_blank(whole[i - 1]))) return std::string(trim(whole.substr(0, i)));
  return std::string(whole);
}

std::string quoted_if_needed(const std::string& value) {
  const bool plain = !value.empty() && value.front() != '"' && value.find('#') == std::string::npos &&
                     !is_blank(value.front()) && !is_blank(value.back());
  if (plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

Result<> check_bytes(std::string_view text, const std::string& file) {
  if (text.size() > k_largest_tunnel_file)
    return refuse(file, fmt::format("it has {} bytes, more than any tunnel file needs", text.size()),
                  "put the real file back, or run holdfast setup again");
  if (trim(text).empty())
    return refuse(file, "the file is empty: it was torn by a crash or a full disk", "run holdfast setup again");
  std::size_t number = 1;
  for (const char c : text) {
    if (c == '\n') ++number;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F)
      return refuse_line(file, number, {},
                         c == '\0' ? "it holds a NUL byte: the file was torn by a crash, or is no text"
                                   : "it holds a control character",
                         "remove the line, or run holdfast setup again");
  }
  if (text.back() != '\n')
    return refuse_line(file, number, {}, "the last line has no line break at its end: the file may have been cut short",
                       "check the last line and end it with a line break, or run holdfast setup again");
  return {};
}

Result<Line> read_line(std::string_view text, std::size_t number, const std::string& file) {
  const std::string_view stripped = trim(text);
  if (stripped.front() == '[')
    return refuse_line(file, number, {}, "it is a section, and tunnel files have none", "remove the line");
  const auto equals = stripped.find('=');
  if (equals == std::string_view::npos)
    return refuse_line(file, number, {}, "it is not KEY = VALUE", "a comment begins with #");
  const std::string_view written = trim(stripped.substr(0, equals));
  if (written.empty()) return refuse_line(file, number, {}, "no key stands before the =", "remove the line");
  if (written.find('\r') != std::string_view::npos)
    return refuse_line(file, number, {}, "it holds a control character", "remove the line");
  Line line{number, normal_key(written), {}};
  if (known_keys().find_nothrow(line.key, false) == nullptr)
    return refuse_line(
        file, number, written, "there is no such key",
        "the keys are port, bastion, identity, backend, engine, host, machine, ssh-option, run-as, known-hosts, "
        "runtime-dir, probe-interval and takeover");
  auto value = read_value(stripped.substr(equals + 1));
  if (!value) return refuse_line(file, number, line.key, value.error().cause, value.error().hint);
  if (value->empty())
    return refuse_line(file, number, line.key, "the value is missing", "write one, or remove the line");
  if (has_control_bytes(*value))
    return refuse_line(file, number, line.key, "the value holds a control character", "write the line anew");
  line.value = std::move(*value);
  return line;
}

Result<std::vector<Line>> read_lines(std::string_view text, const std::string& file) {
  HOLDFAST_CHECK(check_bytes(text, file));
  constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";
  if (text.substr(0, k_byte_order_mark.size()) == k_byte_order_mark) text.remove_prefix(k_byte_order_mark.size());
  std::vector<Line> lines;
  std::map<std::string, std::size_t> seen;
  std::size_t number = 0;
  for (const std::string& part : split(text, '\n')) {
    ++number;
    const std::string_view stripped = trim(part);
    if (stripped.empty() || stripped.front() == '#') continue;
    HOLDFAST_TRY(Line line, read_line(stripped, number, file));
    const auto [first, fresh] = seen.emplace(line.key, number);
    if (!fresh && !known_keys().find(line.key, false).semantic()->is_composing())
      return refuse_line(file, number, line.key, fmt::format("it stands in line {} already", first->second),
                         "remove one of the two lines");
    lines.push_back(std::move(line));
  }
  return lines;
}

/// The lines as Program_options holds them, and the line of each value for the messages.
class Values {
 public:
  Values(std::vector<Line> lines, const std::string& file) : file_(file) {
    po::parsed_options parsed(&known_keys());
    for (Line& line : lines) {
      numbers_[line.key].push_back(line.number);
      parsed.options.emplace_back(line.key, std::vector<std::string>{std::move(line.value)});
    }
    po::store(parsed, map_);
  }

  [[nodiscard]] std::vector<std::string> all(const std::string& key) const {
    const po::variable_value& value = map_[key];
    if (value.empty()) return {};
    if (const auto* many = boost::any_cast<std::vector<std::string>>(&value.value())) return *many;
    return {value.as<std::string>()};
  }

  [[nodiscard]] std::optional<std::string> one(const std::string& key) const {
    const auto values = all(key);
    return values.empty() ? std::nullopt : std::optional(values.front());
  }

  /// `error`, met in the nth value of `key`, with file and line.
  [[nodiscard]] Error at(const std::string& key, const Error& error, std::size_t nth = 0) const {
    const auto numbers = numbers_.find(key);
    if (numbers == numbers_.end() || nth >= numbers->second.size())
      return Error{"reading", file_ + ", " + key, error.cause, error.hint};
    return refuse_line(file_, numbers->second[nth], key, error.cause, error.hint);
  }

 private:
  const std::string& file_;
  po::variables_map map_;
  std::map<std::string, std::vector<std::size_t>> numbers_;
};

Error cause_only(std::string cause, std::string hint = {}) {
  return Error{"reading", {}, std::move(cause), std::move(hint)};
}

Result<> read_paths(const Values& values, const boost::filesystem::path& home, TunnelSpec& spec) {
  if (const auto text = values.one("identity")) {
    const bool hangs_on_nothing = text->front() != '/' && text->front() != '~';
    if (hangs_on_nothing)
      return values.at("identity", cause_only("the path does not begin with / or ~/", "write the whole path"));
    auto path = resolve_identity(*text, home, "/");
    if (!path) return values.at("identity", path.error());
    spec.identity = std::move(*path);
  }
  if (const auto text = values.one("known-hosts")) spec.known_hosts = *text;
  if (const auto text = values.one("runtime-dir")) {
    spec.runtime_dir = *text;
    if (auto fits = check_runtime_directory(*spec.runtime_dir); !fits) return values.at("runtime-dir", fits.error());
  }
  return {};
}

Result<> read_words(const Values& values, TunnelSpec& spec) {
  if (const auto text = values.one("backend")) {
    const bool word = text->size() <= 32 && std::all_of(text->begin(), text->end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                      });
    if (!word) return values.at("backend", cause_only("it is no backend's name", "holdfast doctor lists them"));
    spec.backend = *text;
  }
  if (const auto text = values.one("engine")) {
    if (*text != to_text(Engine::native) && *text != to_text(Engine::autossh))
      return values.at("engine", cause_only("it is neither native nor autossh", "write engine = native"));
    spec.engine = *text == to_text(Engine::native) ? Engine::native : Engine::autossh;
  }
  if (auto text = values.one("probe-interval")) {
    if (text->back() == 's') *text = std::string(trim(std::string_view(*text).substr(0, text->size() - 1)));
    const auto seconds = parse_number(*text, 10, 3600);
    if (!seconds)
      return values.at("probe-interval", cause_only("it is not a number of seconds from 10 to 3600", "write 60"));
    spec.probe_interval = std::chrono::seconds(*seconds);
  }
  if (const auto text = values.one("takeover")) {
    if (*text != "yes" && *text != "no")
      return values.at("takeover", cause_only("it is neither yes nor no", "write takeover = no"));
    spec.takeover = *text == "yes";
  }
  spec.host = values.one("host").value_or("");
  spec.machine = values.one("machine").value_or("");
  spec.run_as = values.one("run-as");
  return {};
}

Result<std::vector<Forward>> read_forwards(const Values& values) {
  std::vector<Forward> forwards;
  for (const std::string& text : values.all("port")) {
    auto forward = Forward::parse(text);
    if (!forward) return values.at("port", forward.error(), forwards.size());
    forwards.push_back(std::move(*forward));
  }
  return forwards;
}

Result<std::vector<SshOption>> read_options(const Values& values) {
  std::vector<SshOption> options;
  for (const std::string& text : values.all("ssh-option")) {
    auto option = SshOption::parse(text);
    if (!option) return values.at("ssh-option", option.error(), options.size());
    options.push_back(std::move(*option));
  }
  return options;
}

}  // namespace

Result<Tunnel> parse_tunnel(const TunnelName& name, std::string_view text, const std::string& file,
                            const boost::filesystem::path& home) {
  HOLDFAST_TRY(std::vector<Line> lines, read_lines(text, file));
  const Values values(std::move(lines), file);

  constexpr const char* k_remedy = "add the line, or run holdfast setup again";
  for (const char* key : {"port", "bastion"})
    if (!values.one(key)) return refuse(file, fmt::format("the key {} is missing", key), k_remedy);
  auto bastions = parse_bastions(*values.one("bastion"));
  if (!bastions) return values.at("bastion", bastions.error());
  HOLDFAST_TRY(std::vector<Forward> forwards, read_forwards(values));

  TunnelSpec spec{name, bastions->front(), std::move(forwards)};
  spec.fallbacks.assign(bastions->begin() + 1, bastions->end());
  HOLDFAST_TRY(spec.ssh_options, read_options(values));
  HOLDFAST_CHECK(read_words(values, spec));
  HOLDFAST_CHECK(read_paths(values, home, spec));

  auto tunnel = Tunnel::make(std::move(spec));
  if (!tunnel) return values.at(normal_key(tunnel.error().subject), tunnel.error());
  return tunnel;
}

std::string format_tunnel(const Tunnel& tunnel) {
  std::string out =
      fmt::format("# holdfast tunnel {0}. After a change by hand: holdfast restart {0}\n", tunnel->name.text());
  const auto add = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, quoted_if_needed(value));
  };
  for (const Forward& forward : tunnel->forwards) add("port", forward.text());
  if (tunnel->identity) add("identity", tunnel->identity->native());
  add("backend", tunnel->backend);
  add("engine", std::string(to_text(tunnel->engine)));
  if (!tunnel->host.empty()) add("host", tunnel->host);
  if (!tunnel->machine.empty()) add("machine", tunnel->machine);
  for (const SshOption& option : tunnel->ssh_options) add("ssh-option", option.key + "=" + option.value);
  if (tunnel->run_as) add("run-as", *tunnel->run_as);
  if (tunnel->known_hosts) add("known-hosts", tunnel->known_hosts->native());
  if (tunnel->runtime_dir) add("runtime-dir", tunnel->runtime_dir->native());
  add("probe-interval", std::to_string(tunnel->probe_interval.count()));
  if (tunnel->takeover) add("takeover", "yes");
  add("bastion", bastions_text(tunnel->bastion, tunnel->fallbacks));
  return out;
}

std::string with_holder(std::string_view text, const Tunnel& tunnel) {
  std::map<std::string, std::string> wanted{{"backend", tunnel->backend}};
  if (tunnel->runtime_dir) wanted["runtime-dir"] = tunnel->runtime_dir->native();
  std::string missing;
  std::string out;
  std::size_t first_key = std::string::npos;
  for (const std::string& line : split(text.substr(0, text.size() - 1), '\n')) {
    const std::string_view stripped = trim(line);
    const bool says = !stripped.empty() && stripped.front() != '#';
    if (says && first_key == std::string::npos) first_key = out.size();
    const auto found = says ? wanted.find(normal_key(trim(stripped.substr(0, stripped.find('='))))) : wanted.end();
    out += found == wanted.end() ? line : fmt::format("{} = {}", found->first, quoted_if_needed(found->second));
    out += '\n';
    if (found != wanted.end()) wanted.erase(found);
  }
  // The last line stays the last: where the file is cut short, reading it is to be an error.
  for (const auto& [key, value] : wanted) missing += fmt::format("{} = {}\n", key, quoted_if_needed(value));
  return out.insert(std::min(first_key, out.size()), missing);
}

}  // namespace holdfast::store
