// The wire format of OpenSSH's control protocol, version 4 (PROTOCOL.mux in openssh-portable). Pure.
#pragma once

#include "core/forward.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh::mux {

inline constexpr std::uint32_t k_protocol_version = 4;
inline constexpr std::size_t k_largest_packet = 256 * 1024;

[[nodiscard]] std::string encode_hello();
[[nodiscard]] std::string encode_alive(std::uint32_t request);
[[nodiscard]] std::string encode_terminate(std::uint32_t request);
[[nodiscard]] std::string encode_open_remote_forward(std::uint32_t request, const Forward& forward);
[[nodiscard]] std::string encode_close_remote_forward(std::uint32_t request, const Forward& forward);
/// A local socket that the master forwards to `to`, as seen from the server.
[[nodiscard]] std::string encode_open_local_forward(std::uint32_t request, const SocketEnd& here, const End& to);
[[nodiscard]] std::string encode_close_local_forward(std::uint32_t request, const SocketEnd& here, const End& to);
/// A connection to `to`, as seen from the server. Two descriptors follow by SCM_RIGHTS.
[[nodiscard]] std::string encode_stdio_forward(std::uint32_t request, const End& to);

struct Reply {
  enum class Kind {
    hello,
    alive,
    ok,
    failure,
    permission_denied,
    remote_port,
    session_opened,
    exit_message,
    other
  } kind;
  std::uint32_t request = 0;
  std::uint32_t value = 0;  ///< version, master's pid, allocated port, session id
  std::string reason;       ///< for failure and permission_denied
};

/// Removes one whole packet from the front of `buffer`. Nothing when more bytes are needed. An Error for an invalid
/// packet (longer than k_largest_packet, or a short body): drop the connection.
[[nodiscard]] Result<std::optional<Reply>> take_reply(std::string& buffer);

}  // namespace holdfast::ssh::mux
