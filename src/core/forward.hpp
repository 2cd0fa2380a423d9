// One reverse forward: what listens on the bastion, and where it leads on this side.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast {

/// A TCP end. `host` never has brackets; for the listening side it is the bind address.
struct TcpEnd {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const TcpEnd&) const = default;
};

/// A unix socket end, by absolute path.
struct SocketEnd {
  std::string path;
  bool operator==(const SocketEnd&) const = default;
};

using End = std::variant<TcpEnd, SocketEnd>;

/// "127.0.0.1:2222", "[::1]:2222", "/run/lab.sock".
[[nodiscard]] std::string end_text(const End& end);

/// [BIND:]PORT[:HOST:HOSTPORT], or a socket path in place of [BIND:]PORT or of HOST:HOSTPORT.
/// Without BIND the bind address is 127.0.0.1 (never "any", never left to the server: a bare port can
/// silently land on ::1 alone). Without a target it is localhost:22.
class Forward {
 public:
  [[nodiscard]] static Result<Forward> parse(std::string_view text);

  [[nodiscard]] const End& listen() const noexcept { return listen_; }
  [[nodiscard]] const End& target() const noexcept { return target_; }
  /// The normal form, which parse() takes back: "127.0.0.1:2222:localhost:22".
  [[nodiscard]] std::string text() const;
  /// The first word a person would use for it: "2222", or the socket's path.
  [[nodiscard]] std::string short_text() const;
  bool operator==(const Forward&) const = default;

 private:
  Forward() = default;
  End listen_;
  End target_;
};

}  // namespace holdfast
