// The authorized_keys of an account at a bastion, read and replaced over a login that may write there.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <optional>
#include <string>
#include <utility>

namespace holdfast::ssh {

/// ~/.ssh/authorized_keys of the tunnel's account. Each call is one ssh that asks nobody anything; it logs in as that
/// user of this machine would by hand: with their agent and keys, and over a connection of theirs that is open already.
/// What the bastion's shell runs is one fixed text; all that varies goes to its standard input.
class AuthorizedKeysFile {
 public:
  /// `login_key`: a private key to log in with, in place of what ssh would use.
  AuthorizedKeysFile(os::Host& host, const Client& client, const Tunnel& tunnel, const os::User& user,
                     std::optional<fs::path> login_key)
      : host_(host), client_(client), tunnel_(tunnel), user_(user), login_key_(std::move(login_key)) {}

  /// What is in it; empty when there is none.
  [[nodiscard]] Result<std::string> read();

  /// Puts `text` there: in a new file that takes the place of the one last read, with its mode; through a symbolic link
  /// the file behind it. Missing ones are made 0600, their directory 0700. An Error, and no change, when the file is
  /// not as it was read.
  [[nodiscard]] Result<> replace(const std::string& text);

 private:
  [[nodiscard]] Result<os::Completed> run(const char* script, const std::string& input);

  os::Host& host_;
  const Client& client_;
  const Tunnel& tunnel_;
  const os::User& user_;
  std::optional<fs::path> login_key_;
  std::string seen_ = "none";  ///< cksum(1) of what was read, by which a change meanwhile is known
};

}  // namespace holdfast::ssh
