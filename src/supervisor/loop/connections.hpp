// The TCP connections that carried the tunnel, by bastion: where each bastion is, and what a session of ours that was
// not ended may still hold there.
#pragma once

#include "os/tcp_sockets.hpp"
#include "store/last_connection.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace holdfast::supervisor {

class Connections {
 public:
  /// Of former runs, of which it is not known how they ended.
  explicit Connections(store::Connections kept) : last_(kept), stale_(std::move(kept)) {}

  /// Another ssh goes to that bastion. `is_last`: it is the one whose connection was kept last.
  void begin(const std::string& bastion, bool is_last = false);
  /// As soon as ssh is logged in: later it also has connections to targets, and which one is the bastion's is not told.
  void note(pid_t ssh);
  /// It holds the forwards now. True when there is something new to keep.
  bool keep();
  /// The bastion knows nothing of it any more.
  void forget_stale(const os::TcpPair& gone);

  /// To be knocked at, at another bastion.
  [[nodiscard]] std::optional<os::TcpPair> stale_at(const std::string& bastion) const;
  /// To be knocked at, at this bastion.
  [[nodiscard]] std::optional<os::TcpPair> stale() const;
  /// A former run had the forwards there.
  [[nodiscard]] bool is_stale_at(const std::string& bastion) const { return stale_.contains(bastion); }
  [[nodiscard]] std::optional<os::TcpPair> last(const std::string& bastion) const;
  /// This run's.
  [[nodiscard]] std::optional<os::TcpPair> current() const { return current_ ? current_ : carrying_; }
  [[nodiscard]] const store::Connections& all() const noexcept { return last_; }
  /// This run's connection to the bastion is another process's.
  [[nodiscard]] bool is_behind_proxy() const noexcept { return behind_proxy_; }

 private:
  std::string bastion_;
  store::Connections last_;
  store::Connections stale_;
  bool noted_ = false;
  bool behind_proxy_ = false;
  std::optional<os::TcpPair> current_;   ///< this run's, until the forwards stand
  std::optional<os::TcpPair> carrying_;  ///< this run's, from then on
};

}  // namespace holdfast::supervisor
