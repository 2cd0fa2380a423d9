// Probes a socket on the bastion through a private local one, with any release of OpenSSH.
#include "ssh/mux/socket_probe.hpp"

#include "rogue_server.hpp"
#include "ssh_master.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <iterator>
#include <optional>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace std::chrono_literals;
namespace fs = boost::filesystem;
using Kind = mux::ProbeAnswer::Kind;

namespace {

std::ptrdiff_t descriptors_of(pid_t pid) {
  return std::distance(fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"), fs::directory_iterator());
}

struct Fixture {
  explicit Fixture(const SshdSettings& settings = {}) : sshd(settings) {}

  SshdFixture sshd;
  SshMaster ssh{sshd, sshd.tunnel({std::to_string(free_port())})};
  fs::path remote = sshd.directory() / "remote";
  fs::path local = sshd.directory() / "local";
  boost::asio::io_context context{1};
  mux::MuxClient client{context, ssh.control()};
  mux::SocketProbe prober{context, client, local};

  void forward_to(std::uint16_t target) {
    const auto forward = Forward::parse(remote.native() + ":127.0.0.1:" + std::to_string(target)).value();
    BOOST_REQUIRE(std::holds_alternative<mux::Granted>(mux::open_forward(ssh.control(), forward, 30s)));
  }

  [[nodiscard]] mux::ProbeRequest request(bool expect_banner = true) const {
    return {
        .listen = SocketEnd{remote.native()}, .expect_ssh_banner = expect_banner, .timeout = 300ms, .stay_open = 100ms};
  }

  mux::ProbeAnswer probe(bool expect_banner = true) {
    std::optional<mux::ProbeAnswer> answer;
    prober.probe(request(expect_banner), [&](mux::ProbeAnswer reply) { answer = std::move(reply); });
    context.restart();
    context.run();
    BOOST_REQUIRE(answer.has_value());
    return *answer;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(socket_probe)

BOOST_FIXTURE_TEST_CASE(repeated_probes_succeed_and_leave_no_file, Fixture) {
  const RogueServer target(Rogue::ssh_banner);
  forward_to(target.port());
  BOOST_TEST((probe().kind == Kind::banner));
  const auto ours = descriptors_of(::getpid());
  const auto masters = descriptors_of(ssh.process().pid);
  for (int i = 0; i < 30; ++i) {
    const auto answer = probe();
    BOOST_TEST((answer.kind == Kind::banner));
    BOOST_TEST(answer.round_trip.count() > 0);
    BOOST_TEST(!fs::exists(local));
  }
  BOOST_TEST(eventually(sshd.host(), [&] { return descriptors_of(::getpid()) <= ours; }));
  BOOST_TEST(eventually(sshd.host(), [&] { return descriptors_of(ssh.process().pid) <= masters; }));
}

BOOST_FIXTURE_TEST_CASE(a_silent_target_differs_from_a_missing_one, Fixture) {
  {
    const RogueServer target(Rogue::silent);
    forward_to(target.port());
    BOOST_TEST((probe().kind == Kind::silent));
    BOOST_TEST((probe(false).kind == Kind::open));
  }
  BOOST_TEST((probe().kind == Kind::closed));
}

BOOST_FIXTURE_TEST_CASE(a_missing_remote_socket_closes_at_once, Fixture) {
  BOOST_TEST((probe().kind == Kind::closed));
  BOOST_TEST((probe(false).kind == Kind::closed));
  BOOST_TEST(ssh.alive());
}

BOOST_FIXTURE_TEST_CASE(a_forward_left_by_a_killed_supervisor_is_replaced, Fixture) {
  const RogueServer target(Rogue::ssh_banner);
  forward_to(target.port());
  // A killed supervisor leaves its forward with the master, and its socket file is gone.
  client.open_local({local.native()}, SocketEnd{remote.native()}, 30s, [](const mux::Answer&) {});
  context.run();
  BOOST_REQUIRE(fs::exists(local));
  fs::remove(local);
  BOOST_TEST((probe().kind == Kind::banner));
  BOOST_TEST((probe().kind == Kind::banner));
}

BOOST_FIXTURE_TEST_CASE(a_dropped_probe_leaves_no_file_and_gives_no_answer, Fixture) {
  const RogueServer target(Rogue::silent);
  forward_to(target.port());
  bool called = false;
  {
    mux::SocketProbe dropped(context, client, local);
    auto long_request = request();
    long_request.timeout = 1h;
    const auto before = descriptors_of(ssh.process().pid);
    dropped.probe(long_request, [&](const mux::ProbeAnswer&) { called = true; });
    BOOST_TEST(eventually(sshd.host(), [&] {
      context.poll();
      return descriptors_of(ssh.process().pid) >= before + 2;  // the master listens, and the probe is connected
    }));
  }
  context.restart();
  context.run();
  BOOST_TEST(!called);
  BOOST_TEST(!fs::exists(local));
  BOOST_TEST((probe(false).kind == Kind::open));
}

BOOST_AUTO_TEST_CASE(a_missing_master_gives_no_reply) {
  Fixture fixture;
  fixture.sshd.stop();
  BOOST_TEST(eventually(fixture.sshd.host(), [&] { return fixture.probe().kind == Kind::no_reply; }));
}

BOOST_AUTO_TEST_SUITE_END()
