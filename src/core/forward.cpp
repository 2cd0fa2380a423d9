#include "core/forward.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace holdfast {
namespace {

constexpr std::size_t k_longest_socket_path = 107;  // sun_path, less the NUL: unix(7)

// inet_aton(3) reads a bare number as an address (22 as 0.0.0.22), but the user means a port.
bool is_bare_number(std::string_view text) noexcept { return text.find_first_not_of("0123456789") == text.npos; }

bool is_host(std::string_view text) noexcept {
  return consists_of(text, ".-_:%") && text.front() != '-' && text.size() <= 255 && !is_bare_number(text);
}

// Splits "a:[::1]:b" into {"a", "::1", "b"}. Empty when brackets do not pair or contain no IPv6 address.
std::optional<std::vector<std::string>> split_parts(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    if (!text.empty() && text.front() == '[') {
      const auto close = text.find(']');
      if (close == std::string_view::npos) return std::nullopt;
      parts.emplace_back(text.substr(1, close - 1));
      if (!is_host(parts.back()) || parts.back().find(':') == std::string::npos) return std::nullopt;
      text.remove_prefix(close + 1);
      if (text.empty()) return parts;
      if (text.front() != ':') return std::nullopt;
      text.remove_prefix(1);
      continue;
    }
    const auto colon = text.find(':');
    parts.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

Error refuse(std::string_view text, std::string cause) {
  return usage_error("port \"" + std::string(text.substr(0, 200)) + "\"", std::move(cause),
                     "give [BIND:]PORT[:HOST:HOSTPORT], as in 2222 or 127.0.0.1:2222:localhost:22");
}

bool is_port(const std::string& part) { return parse_number(part, 1, 65535).has_value(); }

bool is_path(const std::string& part) { return !part.empty() && part.front() == '/'; }

// `text`: the whole forward, for the error.
Result<End> tcp_end(std::string_view text, const std::string& host, const std::string& port) {
  if (!is_host(host)) return refuse(text, "\"" + host.substr(0, 200) + "\" is not a host or address");
  const auto number = parse_number(port, 1, 65535);
  if (!number) return refuse(text, "\"" + port.substr(0, 200) + "\" is not a port from 1 to 65535");
  return End(TcpEnd{host, static_cast<std::uint16_t>(*number)});
}

Result<End> socket_end(std::string_view text, const std::string& path) {
  if (path.back() == '/') return refuse(text, "\"" + path.substr(0, 200) + "\" is a directory, not a socket");
  if (path.size() > k_longest_socket_path) return refuse(text, "the socket's path is longer than 107 bytes");
  return End(SocketEnd{path});
}

}  // namespace

std::string end_text(const End& end) {
  if (const auto* tcp = std::get_if<TcpEnd>(&end)) return bracketed(tcp->host) + ":" + std::to_string(tcp->port);
  return std::get<SocketEnd>(end).path;
}

Result<Forward> Forward::parse(std::string_view text) {
  if (text.empty()) return refuse(text, "it is empty");
  if (has_control_bytes(text)) return refuse(text, "it contains a control character");
  const auto parts = split_parts(text);
  if (!parts) return refuse(text, "its brackets do not match, or contain no IPv6 address");
  if (parts->size() == 2 && std::ranges::all_of(*parts, is_port)) {
    auto error = refuse(text, "\"" + parts->front() + "\" is not a host or address");
    error.hint = "did you mean " + parts->front() + ":localhost:" + parts->back();
    return error;
  }

  // The listening end is one part (a path, a port) or two (bind address and port); the rest is the target.
  const std::size_t count = parts->size();
  std::size_t used = 1;
  Forward forward;
  if (is_path((*parts)[0])) {
    HOLDFAST_TRY(forward.listen_, socket_end(text, (*parts)[0]));
  } else {
    const bool with_bind = count == 2 ? !is_path((*parts)[1]) : (count == 4 || (count == 3 && is_path((*parts)[2])));
    const std::string bind = with_bind ? (*parts)[0] : "127.0.0.1";
    HOLDFAST_TRY(forward.listen_, tcp_end(text, bind, (*parts)[with_bind ? 1 : 0]));
    used = with_bind ? 2 : 1;
  }
  const std::size_t rest = count - used;
  if (rest == 0) {
    forward.target_ = TcpEnd{"localhost", 22};
  } else if (rest == 1 && is_path((*parts)[used])) {
    HOLDFAST_TRY(forward.target_, socket_end(text, (*parts)[used]));
  } else if (rest == 2) {
    HOLDFAST_TRY(forward.target_, tcp_end(text, (*parts)[used], (*parts)[used + 1]));
  } else {
    return refuse(text, "it has too few or too many parts");
  }
  return forward;
}

std::string Forward::text() const { return end_text(listen_) + ":" + end_text(target_); }

std::string Forward::short_text() const {
  if (const auto* tcp = std::get_if<TcpEnd>(&listen_)) return std::to_string(tcp->port);
  return std::get<SocketEnd>(listen_).path;
}

}  // namespace holdfast
