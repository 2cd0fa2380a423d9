// Where ssh connects to: [USER@]HOST[:PORT], a Host alias of ssh_config, or a bracketed IPv6 literal.
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
  /// Refuses what could be taken for an option (a leading '-'), control bytes, white space,
  /// shell metacharacters, an empty user or host, a port outside 1..65535. A usage error.
  [[nodiscard]] static Result<Destination> parse(std::string_view text);

  [[nodiscard]] const std::optional<std::string>& user() const noexcept { return user_; }
  [[nodiscard]] const std::string& host() const noexcept { return host_; }  ///< without brackets
  [[nodiscard]] std::optional<std::uint16_t> port() const noexcept { return port_; }

  /// As the user wrote it, in its one normal form: "gate@bastion:2200", "[::1]:22", "alias".
  [[nodiscard]] std::string text() const;
  /// What ssh takes after "--": "user@host" or "host"; the port goes by -p.
  [[nodiscard]] std::string ssh_argument() const;

  bool operator==(const Destination&) const = default;

 private:
  Destination() = default;
  std::optional<std::string> user_;
  std::string host_;
  std::optional<std::uint16_t> port_;
};

/// "FIRST, SECOND, …": at least one, no two alike, eight at most. A usage error.
[[nodiscard]] Result<std::vector<Destination>> parse_bastions(std::string_view text);

}  // namespace holdfast
