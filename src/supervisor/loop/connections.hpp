// The TCP connections that carried the tunnel, by bastion: the bastion's address, and the connection of a stale session
// that may still hold the ports there.
#pragma once

#include "os/tcp_sockets.hpp"
#include "store/last_connection.hpp"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::supervisor {

class Connections {
 public:
  /// `stored`: of earlier runs. Each may belong to a stale session.
  explicit Connections(store::Connections stored) : last_(stored), stale_(std::move(stored)) {}

  /// A new ssh connects to `bastion`. `is_last`: its connection is the stored one (it was adopted).
  void begin(const std::string& bastion, bool is_last = false);
  /// Call it right after the login: later ssh has connections to targets, too, and the one to the bastion cannot be
  /// identified.
  void note(pid_t ssh, std::chrono::seconds keepalive);
  /// ssh holds the forwards now. True when that is to be stored: the connection, or that a proxy has it.
  bool keep();
  /// The bastion's session of that connection is gone.
  void forget_stale(const os::TcpPair& gone);

  /// The stale connection to knock at, at the present bastion.
  [[nodiscard]] std::optional<os::TcpPair> stale() const;
  /// The stale connection to knock at, at another bastion.
  [[nodiscard]] std::optional<os::TcpPair> stale_at(const std::string& bastion) const;
  /// An earlier run held the forwards there.
  [[nodiscard]] bool is_stale_at(const std::string& bastion) const { return stale_.contains(bastion); }
  [[nodiscard]] std::optional<os::TcpPair> last(const std::string& bastion) const;
  /// Of the present ssh.
  [[nodiscard]] std::optional<os::TcpPair> current() const { return current_ ? current_ : carrying_; }
  /// The last connection to that bastion belonged to a proxy.
  [[nodiscard]] bool was_behind_proxy(const std::string& bastion) const;
  [[nodiscard]] const store::Connections& all() const noexcept { return last_; }
  /// The connection to the bastion belongs to another process.
  [[nodiscard]] bool is_behind_proxy() const noexcept { return behind_proxy_; }

 private:
  std::string bastion_;
  store::Connections last_;
  store::Connections stale_;
  bool noted_ = false;
  bool is_kept_ = false;
  bool behind_proxy_ = false;
  std::optional<os::TcpPair> current_;   ///< Of the present ssh, until it holds the forwards.
  std::optional<os::TcpPair> carrying_;  ///< Of the present ssh, from then on.
};

}  // namespace holdfast::supervisor
