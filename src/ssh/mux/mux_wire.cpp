#include "ssh/mux/mux_wire.hpp"

#include <limits>

namespace holdfast::ssh::mux {
namespace {

// PROTOCOL.mux, section 11.
enum Type : std::uint32_t {
  hello = 0x00000001,
  alive_check = 0x10000004,
  terminate = 0x10000005,
  open_forward = 0x10000006,
  close_forward = 0x10000007,
  new_stdio_forward = 0x10000008,
  ok = 0x80000001,
  permission_denied = 0x80000002,
  failure = 0x80000003,
  exit_message = 0x80000004,
  alive = 0x80000005,
  session_opened = 0x80000006,
  remote_port = 0x80000007,
};

constexpr std::uint32_t k_forward_local = 1;
constexpr std::uint32_t k_forward_remote = 2;
constexpr std::uint32_t k_port_streamlocal = std::numeric_limits<std::uint32_t>::max() - 1;  // (unsigned) -2: a path

void put(std::string& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(static_cast<unsigned char>(value >> shift));
}

void put(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

void put(std::string& out, const End& end) {
  if (const auto* tcp = std::get_if<TcpEnd>(&end)) {
    put(out, std::string_view(tcp->host));
    put(out, std::uint32_t{tcp->port});
  } else {
    put(out, std::string_view(std::get<SocketEnd>(end).path));
    put(out, k_port_streamlocal);
  }
}

std::string packet(std::string_view body) {
  std::string out;
  put(out, body);  // a packet is encoded like a string: length, then bytes
  return out;
}

std::string short_packet(Type type, std::uint32_t request) {
  std::string body;
  put(body, std::uint32_t{type});
  put(body, request);
  return packet(body);
}

std::string forward_packet(Type type, std::uint32_t request, std::uint32_t direction, const End& listen,
                           const End& target) {
  std::string body;
  put(body, std::uint32_t{type});
  put(body, request);
  put(body, direction);
  put(body, listen);
  put(body, target);
  return packet(body);
}

// Reads the fields of a body. `valid` becomes false, for good, at the first incomplete field.
class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}

  std::uint32_t number() {
    if (!valid_ || rest_.size() < 4) {
      valid_ = false;
      return 0;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(4);
    return value;
  }

  std::string text() {
    const std::size_t length = number();
    if (!valid_ || rest_.size() < length) {
      valid_ = false;
      return {};
    }
    std::string value(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return value;
  }

  [[nodiscard]] bool valid() const noexcept { return valid_; }

 private:
  std::string_view rest_;
  bool valid_ = true;
};

Reply::Kind kind_of(std::uint32_t type) noexcept {
  switch (type) {
    case hello:
      return Reply::Kind::hello;
    case ok:
      return Reply::Kind::ok;
    case permission_denied:
      return Reply::Kind::permission_denied;
    case failure:
      return Reply::Kind::failure;
    case exit_message:
      return Reply::Kind::exit_message;
    case alive:
      return Reply::Kind::alive;
    case session_opened:
      return Reply::Kind::session_opened;
    case remote_port:
      return Reply::Kind::remote_port;
    default:
      return Reply::Kind::other;
  }
}

Error invalid_packet(std::string cause) { return Error{"reading", "ssh's control socket", std::move(cause), {}}; }

}  // namespace

std::string encode_hello() {
  std::string body;
  put(body, std::uint32_t{hello});
  put(body, k_protocol_version);
  return packet(body);
}

std::string encode_alive(std::uint32_t request) { return short_packet(alive_check, request); }

std::string encode_terminate(std::uint32_t request) { return short_packet(terminate, request); }

std::string encode_open_remote_forward(std::uint32_t request, const Forward& forward) {
  return forward_packet(open_forward, request, k_forward_remote, forward.listen(), forward.target());
}

std::string encode_close_remote_forward(std::uint32_t request, const Forward& forward) {
  return forward_packet(close_forward, request, k_forward_remote, forward.listen(), forward.target());
}

std::string encode_open_local_forward(std::uint32_t request, const SocketEnd& here, const End& to) {
  return forward_packet(open_forward, request, k_forward_local, here, to);
}

std::string encode_close_local_forward(std::uint32_t request, const SocketEnd& here, const End& to) {
  return forward_packet(close_forward, request, k_forward_local, here, to);
}

std::string encode_stdio_forward(std::uint32_t request, const End& to) {
  std::string body;
  put(body, std::uint32_t{new_stdio_forward});
  put(body, request);
  put(body, std::string_view());  // reserved
  put(body, to);
  return packet(body);
}

Result<std::optional<Reply>> take_reply(std::string& buffer) {
  Reader head(buffer);
  const std::size_t length = head.number();
  if (!head.valid()) return std::optional<Reply>();
  if (length > k_largest_packet) return invalid_packet("a packet is too long");
  if (length < 4) return invalid_packet("a packet is too short");
  if (buffer.size() < 4 + length) return std::optional<Reply>();

  Reader body(std::string_view(buffer).substr(4, length));
  Reply reply{kind_of(body.number()), 0, 0, {}};
  using Kind = Reply::Kind;
  switch (reply.kind) {
    case Kind::other:
      break;
    case Kind::hello:
    case Kind::exit_message:  // names a session, not a request
      reply.value = body.number();
      break;
    case Kind::ok:
      reply.request = body.number();
      break;
    case Kind::failure:
    case Kind::permission_denied:
      reply.request = body.number();
      reply.reason = body.text();
      break;
    case Kind::alive:
    case Kind::session_opened:
    case Kind::remote_port:
      reply.request = body.number();
      reply.value = body.number();
      break;
  }
  if (!body.valid()) return invalid_packet("a packet is incomplete");
  buffer.erase(0, 4 + length);
  return std::optional<Reply>(std::move(reply));
}

}  // namespace holdfast::ssh::mux
