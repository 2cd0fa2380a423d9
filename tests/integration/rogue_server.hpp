// A TCP server on a free loopback port that misbehaves in one way, until the test is over.
#pragma once

#include <cstdint>
#include <thread>

enum class Rogue {
  silent,     ///< takes the connection and says nothing
  hangs_up,   ///< takes the connection and closes it
  garbage,    ///< answers as some other protocol would
  endless,    ///< lines before the greeting, as RFC 4253 allows, without end
  dripping,   ///< the same, one line every 50 ms
  ssh_banner  ///< greets as an sshd does, and says no more
};

class RogueServer {
 public:
  explicit RogueServer(Rogue kind);
  ~RogueServer();
  RogueServer(const RogueServer&) = delete;
  RogueServer& operator=(const RogueServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  void serve();
  void talk(int connection) const;
  /// False when the test is over.
  [[nodiscard]] bool pause(int milliseconds) const;

  Rogue kind_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::thread thread_;
};
