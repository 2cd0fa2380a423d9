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

}  // namespace

Result<Destination> Destination::parse(std::string_view text) {
  const auto refuse = [&](std::string cause) {
    return usage_error("bastion \"" + std::string(text.substr(0, 120)) + "\"", std::move(cause),
                       "give [USER@]HOST[:PORT], a Host alias of ~/.ssh/config, or [IPV6]:PORT");
  };
  if (text.empty()) return refuse("it is empty");
  if (text.size() > 512) return refuse("it is too long");
  if (text.front() == '-') return refuse("it begins with '-', which ssh reads as an option");
  if (has_control_bytes(text)) return refuse("it contains a control character");
  if (text.find(' ') != std::string_view::npos) return refuse("it contains a space");

  Destination destination;
  std::string_view rest = text;
  // ssh(1) also accepts ssh://[USER@]HOST[:PORT]
  if (constexpr std::string_view k_scheme = "ssh://"; rest.starts_with(k_scheme)) {
    rest.remove_prefix(k_scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
  }
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    if (user.empty()) return refuse("the user before '@' is empty");
    if (user.front() == '-') return refuse("the user begins with '-'");
    if (!all_safe(user) || user.find_first_of(":[]/") != std::string_view::npos)
      return refuse("the user contains a character that ssh does not accept");
    destination.user_ = std::string(user);
    rest = rest.substr(at + 1);
  }
  if (rest.empty()) return refuse("the host is empty");

  std::optional<std::string_view> port;
  if (rest.front() == '[') {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return refuse("the '[' has no ']'");
    const std::string_view literal = rest.substr(1, close - 1);
    const std::string_view after = rest.substr(close + 1);
    if (!is_ipv6_literal(literal)) return refuse("the text in brackets is not an IPv6 address");
    if (!after.empty() && after.front() != ':') return refuse("only :PORT may follow the ']'");
    if (!after.empty()) port = after.substr(1);
    destination.host_ = std::string(literal);
  } else if (is_ipv6_literal(rest)) {
    return refuse("an IPv6 address needs brackets");
  } else {
    const auto colon = rest.find(':');
    if (colon != std::string_view::npos) port = rest.substr(colon + 1);
    destination.host_ = std::string(rest.substr(0, colon));
    if (destination.host_.empty()) return refuse("the host is empty");
  }
  if (destination.host_.front() == '-') return refuse("the host begins with '-', which ssh reads as an option");
  if (!all_safe(destination.host_) || destination.host_.find_first_of("@[]/=") != std::string::npos)
    return refuse("the host contains a character that is not allowed in a host name");
  if (port) {
    const auto number = parse_number(*port, 1, 65535);
    if (!number) return refuse("the port is not a number from 1 to 65535");
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
  const auto refuse = [&](std::string cause) {
    return usage_error("bastion \"" + std::string(text.substr(0, 120)) + "\"", std::move(cause),
                       "several bastions are given as FIRST,SECOND");
  };
  std::vector<Destination> bastions;
  for (const std::string& part : split(text, ',')) {
    const std::string_view entry = trim(part);
    if (entry.empty() && text.find(',') != std::string_view::npos)
      return refuse("a bastion is missing next to a comma");
    HOLDFAST_TRY(auto bastion, Destination::parse(entry));
    if (std::find(bastions.begin(), bastions.end(), bastion) != bastions.end())
      return refuse(bastion.text() + " is given twice");
    bastions.push_back(std::move(bastion));
  }
  if (bastions.size() > k_most) return refuse("more than eight are given");
  return bastions;
}

}  // namespace holdfast
