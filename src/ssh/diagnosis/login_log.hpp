// The progress of a login, read from the log of an ssh with LogLevel=DEBUG1. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

struct LoginProgress {
  bool has_banner = false;            ///< the server answered, possibly through a proxy, and speaks ssh
  std::string foreign = {};           ///< the first line of a server without an ssh banner; hostile text
  std::string host_key = {};          ///< "ED25519 SHA256:…"; empty before the key exchange
  bool host_key_trusted = false;      ///< it is in known_hosts, or was pinned in this login
  std::string host_certificate = {};  ///< "ID "bast" CA … valid from … to …"; empty without a certificate
  bool is_verbose = false;            ///< the server listed its login methods in a line that only LogLevel=DEBUG1 shows
  bool offers_no_key = false;         ///< the server takes keys, but ssh tried none: its configuration says so
  bool has_no_key = false;            ///< ssh tried keys and found none
  std::string address = {};           ///< the numeric address that ssh connected to last; empty through a proxy
  /// Addresses that did not answer before another one did.
  std::vector<std::string> silent_addresses = {};
  bool operator==(const LoginProgress&) const = default;
};

/// Lines are recognised by their beginning, where text of the server never stands.
[[nodiscard]] LoginProgress read_login_log(std::string_view log);

}  // namespace holdfast::ssh
