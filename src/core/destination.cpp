#include "core/destination.hpp"

#include "core/text.hpp"

#include <algorithm>

namespace holdfast {
namespace {

// ssh 9.6 and later refuse these too (CVE-2023-51385): %h and %r of a ProxyCommand reach a shell.
bool is_dangerous(char c) noexcept {
  constexpr std::string_view k_meta = "'`\"$\\;&<>|(){}*?!#~^, \t";
  return static_cast<unsigned char>(c) < 0x21 || c == 0x7F || k_meta.find(c) != std::string_view::npos;
}

bool all_safe(std::string_view text) noexcept { return std::none_of(text.begin(), text.end(), is_dangerous); }

bool is_ipv6_literal(std::string_view text) noexcept {
  if (std::count(text.begin(), text.end(), ':') < 2) return false;
  const auto zone = text.find('%');
  const std::string_view address = text.substr(0, zone);
  return std::all_of(address.begin(), address.end(), [](char c) {
    return c == ':' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

Error refuse(std::string_view text, std::string cause) {
  return usage_error("bastion \"" + std::string(text.substr(0, 120)) + "\"", std::move(cause),
                     "give [USER@]HOST[:PORT], a Host alias of ~/.ssh/config, or [IPV6]:PORT");
}

Result<> check_user(std::string_view text, std::string_view user) {
  if (user.empty()) return refuse(text, "the user before '@' is empty");
  if (user.front() == '-') return refuse(text, "the user begins with '-'");
  if (!all_safe(user) || user.find_first_of(":[]/") != std::string_view::npos)
    return refuse(text, "the user contains a character that ssh does not accept");
  return {};
}

struct HostAndPort {
  std::string_view host;
  std::optional<std::string_view> port = {};
};

// Splits HOST[:PORT] or [IPV6][:PORT].
Result<HostAndPort> split_host_and_port(std::string_view text, std::string_view rest) {
  if (rest.empty()) return refuse(text, "the host is empty");
  if (rest.front() != '[') {
    if (is_ipv6_literal(rest)) return refuse(text, "an IPv6 address needs brackets");
    const auto colon = rest.find(':');
    HostAndPort parts{rest.substr(0, colon)};
    if (parts.host.empty()) return refuse(text, "the host is empty");
    if (colon != std::string_view::npos) parts.port = rest.substr(colon + 1);
    return parts;
  }
  const auto close = rest.find(']');
  if (close == std::string_view::npos) return refuse(text, "the '[' has no ']'");
  const std::string_view after = rest.substr(close + 1);
  HostAndPort parts{rest.substr(1, close - 1)};
  if (!is_ipv6_literal(parts.host)) return refuse(text, "the text in brackets is not an IPv6 address");
  if (!after.empty() && after.front() != ':') return refuse(text, "only :PORT may follow the ']'");
  if (!after.empty()) parts.port = after.substr(1);
  return parts;
}

}  // namespace

Result<Destination> Destination::parse(std::string_view text) {
  if (text.empty()) return refuse(text, "it is empty");
  if (text.size() > 512) return refuse(text, "it is too long");
  if (text.front() == '-') return refuse(text, "it begins with '-', which ssh reads as an option");
  if (has_control_bytes(text)) return refuse(text, "it contains a control character");
  if (printable(text) != text) return refuse(text, "it contains a character that no terminal shows as it is");
  if (text.find(' ') != std::string_view::npos) return refuse(text, "it contains a space");

  Destination destination;
  std::string_view rest = text;
  // ssh(1) also accepts ssh://[USER@]HOST[:PORT]
  if (constexpr std::string_view k_scheme = "ssh://"; rest.starts_with(k_scheme)) {
    rest.remove_prefix(k_scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
  }
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    HOLDFAST_CHECK(check_user(text, rest.substr(0, at)));
    destination.user_ = std::string(rest.substr(0, at));
    rest = rest.substr(at + 1);
  }
  HOLDFAST_TRY(const auto parts, split_host_and_port(text, rest));
  destination.host_ = std::string(parts.host);
  if (parts.host.front() == '-') return refuse(text, "the host begins with '-', which ssh reads as an option");
  if (!all_safe(parts.host) || parts.host.find_first_of("@[]/=") != std::string_view::npos)
    return refuse(text, "the host contains a character that is not allowed in a host name");
  if (parts.port) {
    const auto number = parse_number(*parts.port, 1, 65535);
    if (!number) return refuse(text, "the port is not a number from 1 to 65535");
    destination.port_ = static_cast<std::uint16_t>(*number);
  }
  return destination;
}

std::string Destination::text() const {
  std::string out = user_ ? *user_ + "@" : std::string();
  const bool bracketed = host_.find(':') != std::string::npos;
  out += bracketed ? "[" + host_ + "]" : host_;
  if (port_) out += ":" + std::to_string(*port_);
  return out;
}

std::string Destination::ssh_argument() const { return user_ ? *user_ + "@" + host_ : host_; }

Result<std::vector<Destination>> parse_bastions(std::string_view text) {
  constexpr std::size_t k_most = 8;
  const auto refuse_list = [&](std::string cause) {
    return usage_error("bastion \"" + std::string(text.substr(0, 120)) + "\"", std::move(cause),
                       "several bastions are given as FIRST,SECOND");
  };
  std::vector<Destination> bastions;
  for (const std::string& part : split(text, ',')) {
    const std::string_view entry = trim(part);
    if (entry.empty() && text.find(',') != std::string_view::npos)
      return refuse_list("a bastion is missing next to a comma");
    HOLDFAST_TRY(auto bastion, Destination::parse(entry));
    if (std::find(bastions.begin(), bastions.end(), bastion) != bastions.end())
      return refuse_list(bastion.text() + " is given twice");
    bastions.push_back(std::move(bastion));
  }
  if (bastions.size() > k_most) return refuse_list("more than eight are given");
  return bastions;
}

}  // namespace holdfast
