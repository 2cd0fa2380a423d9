#include "core/tunnel.hpp"

#include "core/ip_address.hpp"
#include "core/ssh_option_rules.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace holdfast {
namespace {

constexpr std::size_t k_longest_path = 4095;  // PATH_MAX without the NUL

bool is_option_name(std::string_view text) noexcept { return consists_of(text, "") && text.size() <= 64; }

}  // namespace

std::string_view to_text(Engine engine) noexcept { return engine == Engine::native ? "native" : "autossh"; }
std::string_view to_text(Scope scope) noexcept { return scope == Scope::user ? "user" : "system"; }

Result<SshOption> SshOption::parse(std::string_view text) {
  const auto subject = [&] { return "ssh-option \"" + std::string(text.substr(0, 200)) + "\""; };
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return usage_error(subject(), "it is not KEY=VALUE");
  const std::string_view key = trim(text.substr(0, equals));
  const std::string_view value = trim(text.substr(equals + 1));
  if (!is_option_name(key)) return usage_error(subject(), "the key does not consist of letters and digits");
  if (value.empty()) return usage_error(subject(), "the value is empty");
  if (has_control_bytes(value)) return usage_error(subject(), "the value contains a control character");
  if (auto refusal = ssh_option_refusal(key, value))
    return usage_error(subject(), std::move(refusal->reason), std::move(refusal->hint));
  return SshOption{std::string(key), std::string(value)};
}

Result<Tunnel> Tunnel::make(TunnelSpec spec) {
  if (spec.forwards.empty()) return usage_error("port", "at least one is needed", "give -p PORT");
  for (std::size_t i = 0; i < spec.forwards.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (spec.forwards[i].listen() == spec.forwards[j].listen())
        return usage_error("port", end_text(spec.forwards[i].listen()) + " is given twice");
  if (spec.engine == Engine::autossh && !spec.fallbacks.empty())
    return usage_error("bastion", "autossh supports only one bastion", "give one bastion, or use engine native");
  if (spec.engine == Engine::autossh && spec.takeover)
    return usage_error("takeover", "engine autossh does not support it", "leave takeover out, or use engine native");
  if (spec.engine == Engine::autossh && spec.spread)
    return usage_error("spread", "engine autossh does not support it", "leave spread out, or use engine native");
  if (spec.forwards.size() > 256) return usage_error("port", "more than 256 forwards");
  const auto check_path = [](const char* key, const boost::filesystem::path& path) -> Result<> {
    if (!path.is_absolute()) return usage_error(key, "it is not an absolute path");
    if (path.native().size() > k_longest_path)
      return usage_error(key, "the path has " + std::to_string(path.native().size()) + " bytes, more than the " +
                                  std::to_string(k_longest_path) + " that Linux allows");
    if (has_control_bytes(path.native())) return usage_error(key, "the path contains a control character");
    return {};
  };
  if (spec.identity) HOLDFAST_CHECK(check_path("identity", *spec.identity));
  if (spec.known_hosts) HOLDFAST_CHECK(check_path("known_hosts", *spec.known_hosts));
  if (spec.runtime_dir) HOLDFAST_CHECK(check_path("runtime_dir", *spec.runtime_dir));
  if (spec.probe_interval < std::chrono::seconds(10) || spec.probe_interval > std::chrono::hours(1))
    return usage_error("probe_interval", "it is not between 10 and 3600 seconds");
  if (spec.keepalive < std::chrono::seconds(5) || spec.keepalive > std::chrono::minutes(5))
    return usage_error("keepalive", "it is not between 5 and 300 seconds");
  if (spec.engine == Engine::autossh && spec.keepalive != k_usual_keepalive)
    return usage_error("keepalive", "engine autossh does not support it", "leave keepalive out, or use engine native");
  if (spec.spread && (*spec.spread < std::chrono::seconds(0) || *spec.spread > std::chrono::seconds(6)))
    return usage_error("spread", "it is not between 0 and 6 seconds");
  if (spec.run_as && (spec.run_as->empty() || spec.run_as->front() == '-' || has_control_bytes(*spec.run_as) ||
                      spec.run_as->find_first_of(" :/\\\"'$%") != std::string::npos))
    return usage_error("run-as", "it is not a user name");
  if (has_control_bytes(spec.host) || spec.host.find_first_of(" /\\\"'$%") != std::string::npos ||
      spec.host.size() > 255)
    return usage_error("host", "it is not a host name");
  if (spec.machine.size() > 32 || spec.machine.find_first_not_of("0123456789abcdef") != std::string::npos)
    return usage_error("machine", "it is not a machine mark");
  return Tunnel(std::move(spec));
}

const Destination& Tunnel::bastion(std::size_t at) const {
  return at == 0 ? spec_.bastion : spec_.fallbacks.at(at - 1);
}

Tunnel Tunnel::via_bastion(std::size_t bastion) const {
  TunnelSpec spec = spec_;
  spec.bastion = this->bastion(bastion);
  spec.fallbacks.clear();
  return Tunnel(std::move(spec));
}

bool Tunnel::has_named_target() const {
  return std::ranges::any_of(spec_.forwards, [](const Forward& forward) {
    const auto* target = std::get_if<TcpEnd>(&forward.target());
    return target != nullptr && target->host != "localhost" && !is_ip_address(target->host);
  });
}

std::string bastions_text(const Destination& first, const std::vector<Destination>& fallbacks) {
  std::string text = first.text();
  for (const Destination& next : fallbacks) text += ", " + next.text();
  return text;
}

Result<boost::filesystem::path> resolve_identity(std::string_view text, const boost::filesystem::path& home,
                                                 const boost::filesystem::path& directory) {
  if (text.empty()) return usage_error("identity", "the path is empty");
  if (has_control_bytes(text)) return usage_error("identity", "the path contains a control character");
  if (text == "~" || text.substr(0, 2) == "~/") {
    if (home.empty()) return usage_error("identity", "~ cannot be expanded: HOME is not set");
    return (home / std::string(text.substr(text.size() > 1 ? 2 : 1))).lexically_normal();
  }
  if (text.front() == '~') return usage_error("identity", "~USER is not expanded", "give the full path");
  const boost::filesystem::path path{std::string(text)};
  return (path.is_absolute() ? path : directory / path).lexically_normal();
}

}  // namespace holdfast
