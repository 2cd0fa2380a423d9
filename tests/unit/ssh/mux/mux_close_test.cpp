// A probe must close its data end first and leave the control connection to the master: OpenSSH up to 8.8 exits with
// "select: Bad file descriptor" otherwise. The stand-in master records the order.
#include "ssh/mux/mux_client.hpp"

#include "scratch_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace std::chrono_literals;
using Kind = mux::ProbeAnswer::Kind;

namespace {

using Bytes = std::string;

const Bytes k_hello("\0\0\0\x08\0\0\0\x01\0\0\0\x04", 12);
const Bytes k_session_opened("\0\0\0\x0c\x80\0\0\x06\0\0\0\x01\0\0\0\x02", 16);
const Bytes k_refused("\0\0\0\x0e\x80\0\0\x03\0\0\0\x01\0\0\0\x02no", 18);
constexpr std::size_t k_id_at = 8;  // after the length and the type
const Bytes k_garbage("\x7f\xff\xff\xff", 4);

/// The behaviour of the master for one stdio forward.
struct Script {
  Bytes reply;                 ///< on the control connection, once it has both descriptors
  Bytes output;                ///< from the target, on the data end
  bool closes_data = false;    ///< the target closes the connection
  bool closes_control = true;  ///< as ssh does, when the data end is closed
  std::uint32_t late_by = 0;   ///< it answers the request so many before this one
};

/// A master that accepts one stdio forward. Like ssh up to 8.8 it dies when the control connection closes while the
/// data end is open.
class StandInMaster {
 public:
  StandInMaster(const boost::filesystem::path& path, Script script)
      : script_(std::move(script)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    BOOST_REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(listener_, 4) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~StandInMaster() { wait(); }
  StandInMaster(const StandInMaster&) = delete;
  StandInMaster& operator=(const StandInMaster&) = delete;

  /// Until the exchange has ended.
  void wait() {
    if (!thread_.joinable()) return;
    thread_.join();
    ::close(listener_);
  }

  [[nodiscard]] bool has_descriptors() const noexcept { return has_descriptors_; }
  [[nodiscard]] bool survives() const noexcept { return survives_; }

 private:
  static void say(int connection, const Bytes& bytes) {
    (void)::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  static bool is_closed(int connection) {
    char byte = 0;
    return ::recv(connection, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

  static void wait_for_end(int connection) {
    std::array<char, 256> chunk{};
    while (::recv(connection, chunk.data(), chunk.size(), 0) > 0) continue;
  }

  /// Reads the rest of the request (-1), or a descriptor; -2 at the end.
  int receive_descriptor(int connection) {
    std::array<char, 256> chunk{};
    iovec data{chunk.data(), chunk.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return -2;
    received_.append(chunk.data(), static_cast<std::size_t>(count));
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) return -1;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
  }

  void serve() {
    const int control = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    say(control, k_hello);
    std::array<int, 2> data{-1, -1};
    for (int& descriptor : data)
      while (descriptor == -1) descriptor = receive_descriptor(control);
    has_descriptors_ = data[1] >= 0;
    if (has_descriptors_) carry(control, data[0]);
    for (const int descriptor : data) ::close(descriptor);
    ::close(control);
  }

  /// The reply with the id of the request, which follows the client's hello.
  Bytes numbered_reply() const {
    std::uint32_t id = 0;
    std::memcpy(&id, received_.data() + k_hello.size() + k_id_at, sizeof id);
    id = htonl(ntohl(id) - script_.late_by);
    Bytes reply = script_.reply;
    if (reply.size() > k_id_at) std::memcpy(reply.data() + k_id_at, &id, sizeof id);
    return reply;
  }

  void carry(int control, int data) {
    say(control, numbered_reply());
    say(data, script_.output);
    if (script_.closes_data) ::shutdown(data, SHUT_WR);
    wait_for_end(data);
    survives_ = !is_closed(control);
    if (!script_.closes_control) wait_for_end(control);
  }

  Script script_;
  Bytes received_;
  int listener_;
  std::atomic<bool> has_descriptors_ = false;
  std::atomic<bool> survives_ = false;
  std::thread thread_;
};

struct Fixture {
  ScratchDirectory scratch_directory;
  boost::filesystem::path control = scratch_directory / "control";
  boost::asio::io_context context{1};

  static mux::ProbeRequest request() {
    return {.listen = TcpEnd{"127.0.0.1", 22}, .reply = 300ms, .timeout = 300ms, .stay_open = 50ms};
  }

  /// Returns the kind of answer; fails when the master does not survive.
  Kind probe(const Script& script, const mux::ProbeRequest& asked = request()) {
    StandInMaster master(control, script);
    mux::MuxClient client(context, control);
    std::optional<Kind> kind;
    client.probe(asked, [&](const mux::ProbeAnswer& answer) { kind = answer.kind; });
    context.restart();
    context.run();
    master.wait();
    BOOST_TEST(master.survives());
    BOOST_REQUIRE(kind.has_value());
    return *kind;
  }

  void run_until_carried(const StandInMaster& master) {
    context.restart();
    while (!master.has_descriptors()) context.run_one_for(10ms);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mux_close, Fixture)

BOOST_AUTO_TEST_CASE(the_master_survives_a_banner) {
  BOOST_TEST((probe({.reply = k_session_opened, .output = "SSH-2.0-x\r\n"}) == Kind::banner));
}

BOOST_AUTO_TEST_CASE(the_master_survives_a_channel_that_stays_open) {
  auto asked = request();
  asked.expect_ssh_banner = false;
  BOOST_TEST((probe({.reply = k_session_opened, .output = {}}, asked) == Kind::open));
}

BOOST_AUTO_TEST_CASE(the_master_survives_output_without_a_banner) {
  auto asked = request();
  asked.expect_ssh_banner = false;
  BOOST_TEST((probe({.reply = k_session_opened, .output = "220 x"}, asked) == Kind::open));
}

BOOST_AUTO_TEST_CASE(the_master_survives_a_silent_target) {
  BOOST_TEST((probe({.reply = k_session_opened, .output = {}}) == Kind::silent));
}

BOOST_AUTO_TEST_CASE(the_master_survives_endless_output) {
  BOOST_TEST((probe({.reply = k_session_opened, .output = Bytes(16 * 1024, 'x')}) == Kind::silent));
}

BOOST_AUTO_TEST_CASE(the_master_survives_a_closed_channel) {
  BOOST_TEST((probe({.reply = k_session_opened, .output = {}, .closes_data = true}) == Kind::closed));
}

BOOST_AUTO_TEST_CASE(the_master_survives_a_refusal) {
  BOOST_TEST((probe({.reply = k_refused, .output = {}}) == Kind::refused));
}

BOOST_AUTO_TEST_CASE(the_master_survives_a_timeout_before_its_answer) {
  BOOST_TEST((probe({.reply = {}, .output = {}}) == Kind::no_reply));
}

BOOST_AUTO_TEST_CASE(a_late_reply_to_another_request_is_no_answer) {
  BOOST_TEST((probe({.reply = k_session_opened, .output = {}}) == Kind::silent));
  boost::filesystem::remove(control);
  for (const Bytes& reply : {k_session_opened, k_refused}) {
    BOOST_TEST((probe({.reply = reply, .output = "SSH-2.0-x\r\n", .late_by = 1}) == Kind::no_reply));
    boost::filesystem::remove(control);
  }
}

BOOST_AUTO_TEST_CASE(the_master_survives_an_invalid_reply) {
  BOOST_TEST((probe({.reply = k_garbage, .output = {}}) == Kind::no_reply));
}

BOOST_AUTO_TEST_CASE(the_master_survives_the_destruction_of_the_client) {
  for (const Bytes& reply : {Bytes(), k_session_opened}) {
    StandInMaster master(control, {.reply = reply, .output = {}});
    {
      mux::MuxClient client(context, control);
      client.probe(request(), [](const mux::ProbeAnswer&) { BOOST_ERROR("a dropped probe has no answer"); });
      run_until_carried(master);
    }
    context.run();
    master.wait();
    BOOST_TEST(master.survives());
    boost::filesystem::remove(control);
  }
}

BOOST_AUTO_TEST_CASE(the_master_survives_the_end_of_the_supervisor) {
  StandInMaster master(control, {.reply = k_session_opened, .output = {}});
  {
    boost::asio::io_context ours{1};
    mux::MuxClient client(ours, control);
    client.probe(request(), [](const mux::ProbeAnswer&) { BOOST_ERROR("a dropped probe has no answer"); });
    while (!master.has_descriptors()) ours.run_one_for(10ms);
    client.close();
  }
  master.wait();
  BOOST_TEST(master.survives());
}

BOOST_AUTO_TEST_CASE(the_answer_does_not_wait_for_the_master_to_close) {
  StandInMaster master(control, {.reply = k_session_opened, .output = "SSH-2.0-x\r\n", .closes_control = false});
  mux::MuxClient client(context, control);
  std::optional<std::chrono::steady_clock::time_point> answered;
  client.probe(request(), [&](const mux::ProbeAnswer&) { answered = std::chrono::steady_clock::now(); });
  context.run();  // until the client closes the connection, since this master does not
  const auto waited = std::chrono::steady_clock::now() - answered.value();
  BOOST_TEST((waited >= 990ms));
  BOOST_TEST((waited < 3s));
  master.wait();
  BOOST_TEST(master.survives());
}

BOOST_AUTO_TEST_SUITE_END()
