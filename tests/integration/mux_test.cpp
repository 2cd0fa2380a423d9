#include "ssh/mux/mux_client.hpp"

#include "rogue_server.hpp"
#include "ssh_master.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace std::chrono_literals;
namespace fs = boost::filesystem;
using Kind = mux::ProbeAnswer::Kind;

namespace {

constexpr mux::Deadline k_timeout = 30s;

struct Connected {
  explicit Connected(const SshdSettings& settings = {}) : sshd(settings) {}

  SshdFixture sshd;
  SshMaster ssh{sshd, sshd.tunnel({std::to_string(free_port())})};

  static Forward forward(std::uint16_t listen, std::uint16_t target) {
    return Forward::parse(std::to_string(listen) + ":127.0.0.1:" + std::to_string(target)).value();
  }
  mux::ProbeAnswer probe(const Forward& forward, bool expect_banner = true) const {
    return mux::probe(
        ssh.control(),
        {.listen = forward.listen(), .expect_ssh_banner = expect_banner, .timeout = 300ms, .stay_open = 100ms});
  }
  mux::Answer open(const Forward& forward) const { return mux::open_forward(ssh.control(), forward, k_timeout); }
};

/// A control socket that answers every connection with the same bytes, and then waits for the client to close it.
class FakeMaster {
 public:
  FakeMaster(const fs::path& path, std::string bytes)
      : bytes_(std::move(bytes)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    BOOST_REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(listener_, 4) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeMaster() {
    ::shutdown(listener_, SHUT_RDWR);  // wakes accept(2) on Linux
    thread_.join();
    ::close(listener_);
  }
  FakeMaster(const FakeMaster&) = delete;
  FakeMaster& operator=(const FakeMaster&) = delete;

 private:
  void serve() const {
    while (true) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      std::size_t sent = 0;
      while (sent < bytes_.size()) {
        const ssize_t now = ::send(connection, bytes_.data() + sent, bytes_.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) break;
        sent += static_cast<std::size_t>(now);
      }
      char byte = 0;
      while (::recv(connection, &byte, 1, 0) > 0) continue;
      ::close(connection);
    }
  }

  std::string bytes_;
  int listener_;
  std::thread thread_;
};

bool is_no_reply(const mux::Answer& answer) { return std::holds_alternative<mux::NoReply>(answer); }
bool is_granted(const mux::Answer& answer) { return std::holds_alternative<mux::Granted>(answer); }
bool is_refused(const mux::Answer& answer) { return std::holds_alternative<mux::Refused>(answer); }

}  // namespace

BOOST_AUTO_TEST_SUITE(mux_client)

BOOST_FIXTURE_TEST_CASE(the_master_reports_its_pid, Connected) {
  const auto answer = mux::alive(ssh.control(), k_timeout);
  BOOST_REQUIRE(is_granted(answer));
  BOOST_TEST(static_cast<pid_t>(std::get<mux::Granted>(answer).value) == ssh.process().pid);
}

BOOST_FIXTURE_TEST_CASE(a_forward_works_until_it_is_closed, Connected) {
  const RogueServer target(Rogue::ssh_banner);
  const auto one = forward(free_port(), target.port());
  BOOST_TEST(is_granted(open(one)));
  BOOST_TEST(is_granted(open(one)));  // a second request is no error: the supervisor may not know its forwards
  const auto answer = probe(one);
  BOOST_TEST((answer.kind == Kind::banner));
  BOOST_TEST(answer.round_trip.count() > 0);
  BOOST_TEST(is_granted(mux::close_forward(ssh.control(), one, k_timeout)));
  BOOST_TEST(eventually(sshd.host(), [&] { return probe(one).kind == Kind::refused; }));
}

BOOST_FIXTURE_TEST_CASE(a_busy_port_is_refused_and_the_connection_stays, Connected) {
  const RogueServer holder(Rogue::silent);
  const auto answer = open(forward(holder.port(), holder.port()));
  BOOST_REQUIRE(is_refused(answer));
  BOOST_TEST((std::get<mux::Refused>(answer).reason.find("remote port forwarding failed") != std::string::npos));
  BOOST_TEST(ssh.alive());
}

BOOST_AUTO_TEST_CASE(a_forbidden_forward_is_refused) {
  const Connected place({.config = {"AllowTcpForwarding no"}});
  BOOST_TEST(is_refused(place.open(Connected::forward(free_port(), 22))));
  BOOST_TEST(place.ssh.alive());
}

BOOST_FIXTURE_TEST_CASE(a_probe_distinguishes_a_dead_target_from_a_dead_tunnel, Connected) {
  const auto dead_target = forward(free_port(), free_port());
  BOOST_REQUIRE(is_granted(open(dead_target)));
  BOOST_TEST((probe(dead_target).kind == Kind::closed));
  BOOST_TEST((probe(dead_target, false).kind == Kind::closed));

  const auto never_opened = forward(free_port(), 22);
  BOOST_TEST((probe(never_opened).kind == Kind::refused));
}

BOOST_FIXTURE_TEST_CASE(a_silent_target_is_open_but_not_an_sshd, Connected) {
  const RogueServer web(Rogue::silent);
  const auto one = forward(free_port(), web.port());
  BOOST_REQUIRE(is_granted(open(one)));
  BOOST_TEST((probe(one).kind == Kind::silent));
  BOOST_TEST((probe(one, false).kind == Kind::open));

  const RogueServer other(Rogue::garbage);
  const auto two = forward(free_port(), other.port());
  BOOST_REQUIRE(is_granted(open(two)));
  BOOST_TEST((probe(two).kind == Kind::closed));
}

BOOST_AUTO_TEST_CASE(a_key_without_permitopen_forwards_but_cannot_probe) {
  const Connected place({.key_options = "restrict,port-forwarding,permitopen=\"127.0.0.1:1\""});
  const RogueServer target(Rogue::ssh_banner);
  const auto one = Connected::forward(free_port(), target.port());
  BOOST_REQUIRE(is_granted(place.open(one)));
  BOOST_TEST((place.probe(one).kind == Kind::refused));
}

BOOST_FIXTURE_TEST_CASE(a_lost_bastion_is_noticed, Connected) {
  const auto one = forward(free_port(), 22);
  sshd.stop();
  BOOST_TEST(eventually(sshd.host(), [&] { return is_no_reply(open(one)); }));
}

BOOST_FIXTURE_TEST_CASE(a_stopped_master_ends_in_a_timeout, Connected) {
  const auto one = forward(free_port(), 22);
  sshd.host().signal(ssh.process(), SIGSTOP);
  const auto before = std::chrono::steady_clock::now();
  BOOST_TEST(is_no_reply(mux::alive(ssh.control(), 100ms)));
  BOOST_TEST(is_no_reply(mux::open_forward(ssh.control(), one, 100ms)));
  BOOST_TEST((mux::probe(ssh.control(), {.listen = one.listen(), .reply = 100ms}).kind == Kind::no_reply));
  BOOST_TEST((std::chrono::steady_clock::now() - before < 2s));
}

BOOST_FIXTURE_TEST_CASE(terminate_ends_the_master_and_its_socket, Connected) {
  BOOST_TEST(is_granted(mux::terminate(ssh.control(), k_timeout)));
  BOOST_TEST(eventually(sshd.host(), [&] { return !ssh.alive(); }));
  BOOST_TEST(!fs::exists(ssh.control()));
  BOOST_TEST(is_no_reply(mux::alive(ssh.control(), k_timeout)));
}

BOOST_FIXTURE_TEST_CASE(concurrent_requests_get_their_own_answers, Connected) {
  const RogueServer target(Rogue::ssh_banner);
  const auto one = forward(free_port(), target.port());
  boost::asio::io_context context;
  int answers = 0;
  bool called_forked = false;
  {
    mux::MuxClient client(context, ssh.control());
    for (int i = 0; i < 20; ++i)
      client.alive(k_timeout, [&](const mux::Answer& answer) { answers += is_granted(answer) ? 1 : 0; });
    client.open_forward(one, k_timeout, [&](const mux::Answer& answer) { answers += is_granted(answer) ? 1 : 0; });
    called_forked = answers != 0;
    context.run();
    BOOST_TEST(answers == 21);
    client.alive(k_timeout, [&](const mux::Answer&) { answers = -1; });
  }
  context.restart();
  context.run();
  BOOST_TEST(!called_forked);
  BOOST_TEST(answers == 21);
}

BOOST_AUTO_TEST_CASE(another_program_on_the_control_socket_is_an_error) {
  const SshdFixture place;
  const fs::path control = place.directory() / "fake";
  const std::string hello("\0\0\0\x08\0\0\0\x01\0\0\0\x04", 12);
  const std::string other_version("\0\0\0\x08\0\0\0\x01\0\0\0\x09", 12);
  const std::string ok_for_another("\0\0\0\x08\x80\0\0\x01\0\0\0\x63", 12);
  const std::string huge("\x7f\xff\xff\xff garbage", 12);
  std::string chatter = hello;
  while (chatter.size() < (2 << 20)) chatter += ok_for_another;
  for (const std::string& bytes : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), other_version, huge, hello + huge,
                                   ok_for_another, hello + std::string("\0\0\0\x04\x80\0\0\x05", 8), chatter}) {
    const FakeMaster fake(control, bytes);
    const auto answer = mux::alive(control, 20s);
    BOOST_TEST(is_no_reply(answer));
    BOOST_TEST((std::get<mux::NoReply>(answer).why.find("in time") == std::string::npos));
    BOOST_TEST((mux::probe(control, {.listen = TcpEnd{"127.0.0.1", 1}, .reply = 20s}).kind == Kind::no_reply));
    fs::remove(control);
  }
  BOOST_TEST(is_no_reply(mux::alive(control, 20s)));
  BOOST_TEST(is_no_reply(mux::alive(place.directory() / std::string(200, 'x'), 20s)));
}

BOOST_AUTO_TEST_SUITE_END()
