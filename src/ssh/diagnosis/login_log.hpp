// How far a login has come, as `ssh` with LogLevel=DEBUG1 writes it down. Pure.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::ssh {

struct LoginProgress {
  bool has_banner = false;        ///< the server was reached (through whatever proxy) and speaks ssh
  std::string foreign = {};       ///< the first thing it said when that was no ssh greeting; a stranger's text
  std::string host_key = {};      ///< "ED25519 SHA256:…", what the server showed; empty so far
  bool host_key_trusted = false;  ///< it is the one that was known, or it was pinned now
  bool operator==(const LoginProgress&) const = default;
};

/// Lines are known by their beginning: nothing that a server says can begin one.
[[nodiscard]] LoginProgress read_login_log(std::string_view log);

}  // namespace holdfast::ssh
