// The evidence of a failure besides its class, and the names that messages build from it. Pure.
#pragma once

#include "core/timestamp.hpp"
#include "core/tunnel.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// Texts of ssh and of the server, which may be hostile; EvidenceText escapes them. Unknown parts are empty.
struct Evidence {
  std::string_view line = {};           ///< the decisive line of ssh's output
  std::string_view circumstance = {};   ///< the line that explains it
  std::string_view offending = {};      ///< "Offending ED25519 key in FILE:LINE", for a changed host key
  std::string_view offered = {};        ///< "ED25519 SHA256:…": the host key of the server
  std::string_view address = {};        ///< numeric: where the bastion's name leads
  std::string_view last_address = {};   ///< numeric: where the tunnel was up before
  std::string_view foreign = {};        ///< the text of a server without an ssh banner
  std::string_view certificate = {};    ///< "ID "x" … valid from … to …": the host certificate of the server
  std::string_view said = {};           ///< what the server wrote to stderr before it closed the connection
  std::optional<WallTime> now = {};     ///< this machine's clock
  bool offers_no_key = false;           ///< the log proves that the configuration keeps ssh from trying keys
  bool has_no_key = false;              ///< the log proves that ssh found no key
  bool log_is_verbose = false;          ///< the log would have a line about an accepted key
  std::optional<Forward> forward = {};  ///< the affected forward; nothing for all of the tunnel
};

/// Names and parts of commands for the messages about one failure of one tunnel.
class EvidenceText {
 public:
  /// Keeps references to both.
  EvidenceText(const Tunnel& tunnel, const Evidence& evidence) : tunnel_(tunnel), evidence_(evidence) {}

  [[nodiscard]] const Tunnel& tunnel() const noexcept { return tunnel_; }
  [[nodiscard]] const Evidence& evidence() const noexcept { return evidence_; }

  [[nodiscard]] std::string bastion() const { return tunnel_->bastion.text(); }
  /// The address that ssh connected to, which an alias hides: "127.0.0.1 port 2222". Else the bastion.
  [[nodiscard]] std::string address() const;
  /// "gate on bastion"
  [[nodiscard]] std::string account() const;
  /// The arguments of an ssh command to the bastion: "-p 2222 gate@bastion".
  [[nodiscard]] std::string destination() const;
  /// " at 192.0.2.1": where the bastion's name leads, as far as that is known and not the name itself.
  [[nodiscard]] std::string at_address() const;
  /// The host that ssh looked up for the bastion, in place of an alias: the one whose key it reports.
  [[nodiscard]] std::string looked_up_name() const;
  /// The tunnel was up before, at a bastion that has a name: the name may lead to another machine now.
  [[nodiscard]] bool may_have_moved() const;
  /// The bastion's name in known_hosts: "[host]:port" unless the port is 22, sshd(8).
  [[nodiscard]] std::string known_hosts_name() const;
  /// The known_hosts file that has the offending key.
  [[nodiscard]] std::string known_hosts_file() const;
  /// The private key that the tunnel names; it must have one.
  [[nodiscard]] std::string identity() const;
  /// The private key that ssh complained about, else the one that the tunnel names.
  [[nodiscard]] std::string key() const;
  /// "port 2222", "socket /run/x.sock"; of several all, separated by commas.
  [[nodiscard]] std::string listen_ends() const;
  /// The target of the affected forward: "localhost:22".
  [[nodiscard]] std::string target() const;
  /// True when the target of the affected forward has ssh's port.
  [[nodiscard]] bool is_ssh_target() const;
  /// True when the affected forward listens on a socket.
  [[nodiscard]] bool listens_on_socket() const;
  /// True when it listens on a TCP port below 1024 and the tunnel does not log in as root.
  [[nodiscard]] bool is_privileged_port() const;
  /// The options that the key's line in authorized_keys needs.
  [[nodiscard]] std::string permits() const;

 private:
  [[nodiscard]] std::optional<Forward> forward() const;

  const Tunnel& tunnel_;
  const Evidence& evidence_;
};

/// `text` with its first letter in lower case, unless it begins with an abbreviation.
[[nodiscard]] std::string lower_first(std::string_view text);

}  // namespace holdfast::ssh
