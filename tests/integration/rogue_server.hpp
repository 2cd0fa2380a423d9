// A TCP server on a free loopback port that misbehaves in one way until it is destroyed.
#pragma once

#include <cstdint>
#include <thread>

enum class Rogue {
  silent,     ///< accepts the connection and sends nothing
  hangs_up,   ///< accepts the connection and closes it
  garbage,    ///< answers with another protocol
  endless,    ///< sends endless lines before the banner, as RFC 4253 allows
  dripping,   ///< the same, one line every 50 ms
  ssh_banner  ///< sends an ssh banner and nothing else
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
  /// False once the server is being destroyed.
  [[nodiscard]] bool pause(int milliseconds) const;

  Rogue kind_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::thread thread_;
};
