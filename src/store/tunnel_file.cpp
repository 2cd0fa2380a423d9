#include "store/tunnel_file.hpp"

#include "core/text.hpp"
#include "store/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace holdfast::store {
namespace {

/// A refused value; TunnelLines::at() adds file, line and key.
Error bad_value(std::string cause, std::string hint) { return {"reading", {}, std::move(cause), std::move(hint)}; }

Result<> read_paths(const TunnelLines& lines, const boost::filesystem::path& home, TunnelSpec& spec) {
  if (const auto text = lines.first("identity")) {
    if (text->front() != '/' && text->front() != '~')
      return lines.at("identity", bad_value("the path must begin with / or ~/", "write the absolute path"));
    auto path = resolve_identity(*text, home, "/");
    if (!path) return lines.at("identity", path.error());
    spec.identity = std::move(*path);
  }
  if (const auto text = lines.first("known-hosts")) spec.known_hosts = *text;
  if (const auto text = lines.first("runtime-dir")) {
    spec.runtime_dir = *text;
    if (auto fits = check_runtime_directory(*spec.runtime_dir); !fits) return lines.at("runtime-dir", fits.error());
  }
  return {};
}

Result<> read_mechanism(const TunnelLines& lines, TunnelSpec& spec) {
  if (const auto text = lines.first("backend")) {
    if (!is_backend_name(*text))
      return lines.at("backend", bad_value("invalid name of a backend", "holdfast doctor lists the backends"));
    spec.backend = *text;
  }
  if (const auto text = lines.first("engine")) {
    if (*text != to_text(Engine::native) && *text != to_text(Engine::autossh))
      return lines.at("engine", bad_value("expected native or autossh", "write engine = native"));
    spec.engine = *text == to_text(Engine::native) ? Engine::native : Engine::autossh;
  }
  return {};
}

Result<> read_flag(const TunnelLines& lines, const char* key, bool& flag) {
  const auto text = lines.first(key);
  if (!text) return {};
  if (*text != "yes" && *text != "no")
    return lines.at(key, bad_value("expected yes or no", fmt::format("write {} = no", key)));
  flag = *text == "yes";
  return {};
}

/// `example` is a value for the hint.
Result<std::optional<std::chrono::seconds>> read_seconds(const TunnelLines& lines, const char* key,
                                                         std::uint32_t lowest, std::uint32_t highest, int example) {
  auto text = lines.first(key);
  if (!text) return std::optional<std::chrono::seconds>{};
  if (text->back() == 's') *text = std::string(trim(std::string_view(*text).substr(0, text->size() - 1)));
  const auto seconds = parse_number(*text, lowest, highest);
  if (!seconds)
    return lines.at(key, bad_value(fmt::format("expected a number of seconds from {} to {}", lowest, highest),
                                   fmt::format("write {} = {}", key, example)));
  return std::optional(std::chrono::seconds(*seconds));
}

Result<> read_behaviour(const TunnelLines& lines, TunnelSpec& spec) {
  HOLDFAST_TRY(const auto probe_interval, read_seconds(lines, "probe-interval", 10, 3600, 60));
  spec.probe_interval = probe_interval.value_or(spec.probe_interval);
  HOLDFAST_TRY(const auto keepalive, read_seconds(lines, "keepalive", 5, 300, 20));
  spec.keepalive = keepalive.value_or(spec.keepalive);
  HOLDFAST_TRY(spec.spread, read_seconds(lines, "spread", 0, 6, 6));
  HOLDFAST_CHECK(read_flag(lines, "takeover", spec.takeover));
  return read_flag(lines, "allow-target-down", spec.allow_target_down);
}

/// Every value of the repeatable `key`, parsed.
template <class T>
Result<std::vector<T>> parse_all(const TunnelLines& lines, std::string_view key) {
  std::vector<T> values;
  for (const std::string& text : lines.all(key)) {
    auto value = T::parse(text);
    if (!value) return lines.at(key, value.error(), values.size());
    values.push_back(std::move(*value));
  }
  return values;
}

}  // namespace

bool is_backend_name(std::string_view text) noexcept {
  constexpr std::size_t k_longest = 32;
  return !text.empty() && text.size() <= k_longest &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<Tunnel> parse_tunnel(const TunnelName& name, std::string_view text, const std::string& file,
                            const boost::filesystem::path& home) {
  HOLDFAST_TRY(const TunnelLines lines, TunnelLines::read(text, file));
  for (const char* key : {"port", "bastion"})
    if (!lines.first(key))
      return lines.in_file(fmt::format("the key {} is missing", key), "add the line, or run holdfast setup again");
  auto bastions = parse_bastions(*lines.first("bastion"));
  if (!bastions) return lines.at("bastion", bastions.error());
  HOLDFAST_TRY(std::vector<Forward> forwards, parse_all<Forward>(lines, "port"));

  TunnelSpec spec{name, bastions->front(), std::move(forwards)};
  spec.fallbacks.assign(bastions->begin() + 1, bastions->end());
  HOLDFAST_TRY(spec.ssh_options, parse_all<SshOption>(lines, "ssh-option"));
  HOLDFAST_CHECK(read_mechanism(lines, spec));
  HOLDFAST_CHECK(read_behaviour(lines, spec));
  HOLDFAST_CHECK(read_paths(lines, home, spec));
  spec.host = lines.first("host").value_or("");
  spec.machine = lines.first("machine").value_or("");
  spec.run_as = lines.first("run-as");

  auto tunnel = Tunnel::make(std::move(spec));
  if (!tunnel) return lines.at(normal_key(tunnel.error().subject), tunnel.error());
  return tunnel;
}

std::string format_tunnel(const Tunnel& tunnel) {
  std::string out =
      fmt::format("# holdfast tunnel {0}. After a change by hand: holdfast restart {0}\n", tunnel->name.text());
  const auto add = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, format_value(value));
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
  if (tunnel->keepalive != k_usual_keepalive) add("keepalive", std::to_string(tunnel->keepalive.count()));
  if (tunnel->spread) add("spread", std::to_string(tunnel->spread->count()));
  if (tunnel->takeover) add("takeover", "yes");
  if (tunnel->allow_target_down) add("allow-target-down", "yes");
  add("bastion", bastions_text(tunnel->bastion, tunnel->fallbacks));
  return out;
}

Result<> check_reads_back(const Tunnel& tunnel) {
  const auto subject = "tunnel " + tunnel->name.text();
  const auto text = format_tunnel(tunnel);
  if (text.size() > k_largest_tunnel_file)
    return usage_error(
        subject,
        fmt::format("its file would have {} bytes, more than the {} allowed", text.size(), k_largest_tunnel_file),
        "give fewer or shorter values");
  const auto read = parse_tunnel(tunnel->name, text, tunnel->name.text() + ".conf");
  if (!read) return usage_error(subject, fmt::format("its file would not be readable: {}", read.error().cause));
  if (*read != tunnel) return usage_error(subject, "its file would describe another tunnel");
  return {};
}

std::string replace_backend(std::string_view text, const Tunnel& tunnel) {
  std::map<std::string, std::string> wanted{{"backend", tunnel->backend}};
  if (tunnel->runtime_dir) wanted["runtime-dir"] = tunnel->runtime_dir->native();
  std::string out;
  std::size_t first_key = std::string::npos;
  for (const std::string& line : split(text.substr(0, text.size() - 1), '\n')) {
    const std::string_view stripped = trim(line);
    const bool has_key = !stripped.empty() && stripped.front() != '#';
    if (has_key && first_key == std::string::npos) first_key = out.size();
    const auto found = has_key ? wanted.find(normal_key(trim(stripped.substr(0, stripped.find('='))))) : wanted.end();
    out += found == wanted.end() ? line : fmt::format("{} = {}", found->first, format_value(found->second));
    out += '\n';
    if (found != wanted.end()) wanted.erase(found);
  }
  // Not at the end: a file that is cut short must not read as a whole one, so its last line stays the last.
  std::string missing;
  for (const auto& [key, value] : wanted) missing += fmt::format("{} = {}\n", key, format_value(value));
  return out.insert(std::min(first_key, out.size()), missing);
}

}  // namespace holdfast::store
