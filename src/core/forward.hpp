// One reverse forward: the listening end on the bastion, and the target on this side.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast {

/// A TCP end. `host` has no brackets; of the listening end it is the bind address.
struct TcpEnd {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const TcpEnd&) const = default;
};

/// A Unix socket, by absolute path.
struct SocketEnd {
  std::string path;
  bool operator==(const SocketEnd&) const = default;
};

using End = std::variant<TcpEnd, SocketEnd>;

/// "127.0.0.1:2222", "[::1]:2222", "/run/lab.sock".
[[nodiscard]] std::string end_text(const End& end);

/// [BIND:]PORT[:HOST:HOSTPORT], or a socket path in place of [BIND:]PORT or of HOST:HOSTPORT. The default target is
/// localhost:22, the default bind address 127.0.0.1: a server that chooses itself may bind ::1 only.
class Forward {
 public:
  [[nodiscard]] static Result<Forward> parse(std::string_view text);

  [[nodiscard]] const End& listen() const noexcept { return listen_; }
  [[nodiscard]] const End& target() const noexcept { return target_; }
  /// The normal form, which parse() accepts: "127.0.0.1:2222:localhost:22".
  [[nodiscard]] std::string text() const;
  /// The listening port, "2222", or the path of the listening socket.
  [[nodiscard]] std::string short_text() const;
  bool operator==(const Forward&) const = default;

 private:
  Forward() = default;
  End listen_;
  End target_;
};

}  // namespace holdfast
