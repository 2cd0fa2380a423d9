// Reads and replaces the authorized_keys of an account on a bastion, over a login that may write there.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <optional>
#include <string>
#include <utility>

namespace holdfast::ssh {

/// ~/.ssh/authorized_keys of the tunnel's account. Each call is one non-interactive ssh with the user's own agent, keys
/// and open connections. The bastion's shell runs a constant script; variable data goes to its standard input.
class AuthorizedKeysFile {
 public:
  /// `login_key`: a private key to log in with, instead of the ones that ssh would use.
  AuthorizedKeysFile(os::Host& host, const Client& client, const Tunnel& tunnel, const os::User& user,
                     std::optional<fs::path> login_key)
      : host_(host), client_(client), tunnel_(tunnel), user_(user), login_key_(std::move(login_key)) {}

  /// The text of the file; empty when there is none.
  [[nodiscard]] Result<std::string> read();

  /// Replaces the file that was last read by a new one with the same mode; follows a symlink. Creates a missing file
  /// with mode 0600 and its directory with 0700. An Error, without any change, when the file changed since it was read.
  [[nodiscard]] Result<> replace(const std::string& text);

 private:
  [[nodiscard]] Result<os::Completed> run(const char* script, const std::string& input);

  os::Host& host_;
  const Client& client_;
  const Tunnel& tunnel_;
  const os::User& user_;
  std::optional<fs::path> login_key_;
  std::string seen_ = "none";  ///< cksum(1) of the text that was read, to detect a change
};

}  // namespace holdfast::ssh
