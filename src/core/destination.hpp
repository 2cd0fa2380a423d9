// The server that ssh connects to: [USER@]HOST[:PORT], a Host alias of ssh_config, or an IPv6 literal in brackets.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

class Destination {
 public:
  /// A usage error for a leading '-' (ssh would read it as an option), control bytes, white space, shell
  /// metacharacters, an empty user or host, and a port outside 1..65535.
  [[nodiscard]] static Result<Destination> parse(std::string_view text);

  [[nodiscard]] const std::optional<std::string>& user() const noexcept { return user_; }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }  ///< without brackets
  [[nodiscard]] std::optional<std::uint16_t> port() const noexcept { return port_; }

  /// The normal form, which parse() accepts: "gate@bastion:2200", "[::1]:22", "alias".
  [[nodiscard]] std::string text() const;
  /// ssh's argument after "--": "user@host" or "host". The port needs -p.
  [[nodiscard]] std::string ssh_argument() const;

  bool operator==(const Destination&) const = default;

 private:
  Destination() = default;
  std::optional<std::string> user_;
  std::string host_;
  std::optional<std::uint16_t> port_;
};

/// Parses "FIRST, SECOND, …". A usage error unless there are one to eight, all different.
[[nodiscard]] Result<std::vector<Destination>> parse_bastions(std::string_view text);

}  // namespace holdfast
