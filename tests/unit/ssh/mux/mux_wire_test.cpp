#include "ssh/mux/mux_wire.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace holdfast;
using namespace holdfast::ssh::mux;
using namespace std::string_literals;
using Kind = Reply::Kind;

namespace {

// A packet in the format of PROTOCOL.mux: length, then body.
std::string packet(const std::string& body) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(static_cast<unsigned char>(body.size() >> shift));
  return out + body;
}

Reply only_reply(std::string bytes) {
  const auto taken = take_reply(bytes);
  BOOST_REQUIRE(taken);
  BOOST_REQUIRE(*taken);
  BOOST_TEST(bytes.empty());
  return **taken;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mux_wire)

BOOST_AUTO_TEST_CASE(requests_match_the_protocol_byte_for_byte) {
  BOOST_TEST(encode_hello() == "\0\0\0\x08\0\0\0\x01\0\0\0\x04"s);
  BOOST_TEST(encode_alive(7) == "\0\0\0\x08\x10\0\0\x04\0\0\0\x07"s);
  BOOST_TEST(encode_terminate(7) == "\0\0\0\x08\x10\0\0\x05\0\0\0\x07"s);
  const auto forward = Forward::parse("127.0.0.1:2222:localhost:22").value();
  const std::string ends =
      "\0\0\0\x02\0\0\0\x09"s + "127.0.0.1" + "\0\0\x08\xae\0\0\0\x09"s + "localhost" + "\0\0\0\x16"s;
  BOOST_TEST(encode_open_remote_forward(7, forward) == packet("\x10\0\0\x06\0\0\0\x07"s + ends));
  BOOST_TEST(encode_close_remote_forward(7, forward) == packet("\x10\0\0\x07\0\0\0\x07"s + ends));
  BOOST_TEST(encode_stdio_forward(7, TcpEnd{"::1", 22}) ==
             packet("\x10\0\0\x08\0\0\0\x07\0\0\0\0\0\0\0\x03"s + "::1" + "\0\0\0\x16"s));
}

BOOST_AUTO_TEST_CASE(a_socket_is_encoded_as_a_path_with_port_minus_two) {
  const auto forward = Forward::parse("/run/a:/run/b").value();
  BOOST_TEST(encode_open_remote_forward(1, forward) ==
             packet("\x10\0\0\x06\0\0\0\x01\0\0\0\x02\0\0\0\x06"s + "/run/a" + "\xff\xff\xff\xfe\0\0\0\x06"s +
                    "/run/b" + "\xff\xff\xff\xfe"s));
}

BOOST_AUTO_TEST_CASE(a_local_socket_to_a_bastion_socket_is_a_local_forward) {
  const std::string ends =
      "\0\0\0\x01\0\0\0\x06"s + "/run/a" + "\xff\xff\xff\xfe\0\0\0\x06"s + "/run/b" + "\xff\xff\xff\xfe"s;
  BOOST_TEST(encode_open_local_forward(1, SocketEnd{"/run/a"}, SocketEnd{"/run/b"}) ==
             packet("\x10\0\0\x06\0\0\0\x01"s + ends));
  BOOST_TEST(encode_close_local_forward(1, SocketEnd{"/run/a"}, SocketEnd{"/run/b"}) ==
             packet("\x10\0\0\x07\0\0\0\x01"s + ends));
}

BOOST_AUTO_TEST_CASE(every_kind_of_reply_is_parsed) {
  BOOST_TEST((only_reply(packet("\0\0\0\x01\0\0\0\x04"s)).kind == Kind::hello));
  const auto alive = only_reply(packet("\x80\0\0\x05\0\0\0\x07\0\x01\0\0"s));
  BOOST_TEST((alive.kind == Kind::alive));
  BOOST_TEST(alive.request == 7u);
  BOOST_TEST(alive.value == 65536u);
  const auto refused = only_reply(packet("\x80\0\0\x03\0\0\0\x07\0\0\0\x02no"s));
  BOOST_TEST((refused.kind == Kind::failure));
  BOOST_TEST(refused.reason == "no");
  BOOST_TEST((only_reply(packet("\x80\0\0\x02\0\0\0\x07\0\0\0\0"s)).kind == Kind::permission_denied));
  BOOST_TEST((only_reply(packet("\x80\0\0\x01\0\0\0\x07"s)).kind == Kind::ok));
  BOOST_TEST(only_reply(packet("\x80\0\0\x07\0\0\0\x07\0\0\x08\xae"s)).value == 2222u);
  BOOST_TEST((only_reply(packet("\x80\0\0\x06\0\0\0\x07\0\0\0\0"s)).kind == Kind::session_opened));
  BOOST_TEST((only_reply(packet("\x12\x34\x56\x78 of a later version"s)).kind == Kind::other));
}

BOOST_AUTO_TEST_CASE(packets_may_arrive_in_any_pieces) {
  const std::string whole = packet("\0\0\0\x01\0\0\0\x04"s) + packet("\x80\0\0\x03\0\0\0\x07\0\0\0\x02no"s);
  std::string buffer;
  int replies = 0;
  for (const char byte : whole) {
    buffer += byte;
    const auto taken = take_reply(buffer);
    BOOST_REQUIRE(taken);
    if (*taken) ++replies;
  }
  BOOST_TEST(replies == 2);
  BOOST_TEST(buffer.empty());
}

BOOST_AUTO_TEST_CASE(a_wrong_length_is_an_error) {
  for (const auto& bytes : {
           "\0\0\0\0"s,
           "\0\0\0\x03\x80\0\0"s,                              // too short for a type
           packet("\x80\0\0\x05\0\0\0\x07"s),                  // alive without its pid
           packet("\x80\0\0\x03\0\0\0\x07\0\0\0\x03no"s),      // a text longer than the packet
           packet("\x80\0\0\x03\0\0\0\x07\xff\xff\xff\xff"s),  // much longer
           packet("\0\0\0\x01"s),
           "\x7f\xff\xff\xff"s,
           "\xff\xff\xff\xff\xff"s,
           "\0\x04\0\x01"s,
           "HTTP/1.1 400"s,
       }) {
    std::string buffer = bytes;
    BOOST_TEST(!take_reply(buffer));
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_never_crash_the_parser) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 20'000; ++round) {
    std::string buffer;
    const std::size_t size = random() % 64;
    for (std::size_t i = 0; i < size; ++i) buffer += static_cast<char>(random());
    // Half of them begin like a reply.
    if (round % 2 == 0 && size >= 8) {
      buffer.replace(0, 3, "\0\0\0"s);
      buffer.replace(4, 3, "\x80\0\0"s);
      buffer[7] = static_cast<char>(random() % 9);
    }
    while (true) {
      const std::size_t before = buffer.size();
      const auto taken = take_reply(buffer);
      if (!taken || !*taken) {
        BOOST_TEST_REQUIRE(buffer.size() == before);
        break;
      }
      BOOST_TEST_REQUIRE(buffer.size() < before);
      BOOST_TEST_REQUIRE((*taken)->reason.size() <= before);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
