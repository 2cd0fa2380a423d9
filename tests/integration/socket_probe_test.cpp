// A socket of the bastion's, dialled through a private one here, whatever the release of OpenSSH.
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

struct Place {
  explicit Place(const SshdSettings& settings = {}) : sshd(settings) {}

  SshdFixture sshd;
  SshMaster ssh{sshd, sshd.tunnel({std::to_string(free_port())})};
  fs::path far = sshd.directory() / "far";
  fs::path near = sshd.directory() / "near";
  boost::asio::io_context context{1};
  mux::MuxClient client{context, ssh.control()};
  mux::SocketProbe prober{context, client, near};

  void forward_to(std::uint16_t target) {
    const auto forward = Forward::parse(far.native() + ":127.0.0.1:" + std::to_string(target)).value();
    BOOST_REQUIRE(std::holds_alternative<mux::Granted>(mux::open_forward(ssh.control(), forward, 30s)));
  }

  [[nodiscard]] mux::ProbeRequest request(bool expect_banner = true) const {
    return {
        .listen = SocketEnd{far.native()}, .expect_ssh_banner = expect_banner, .timeout = 300ms, .stay_open = 100ms};
  }

  mux::ProbeAnswer probe(bool expect_banner = true) {
    std::optional<mux::ProbeAnswer> answer;
    prober.probe(request(expect_banner), [&](mux::ProbeAnswer heard) { answer = std::move(heard); });
    context.restart();
    context.run();
    BOOST_REQUIRE(answer.has_value());
    return *answer;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(socket_probe)

BOOST_FIXTURE_TEST_CASE(a_byte_comes_back_again_and_again_and_nothing_is_left_of_it, Place) {
  const RogueServer target(Rogue::ssh_banner);
  forward_to(target.port());
  BOOST_TEST((probe().kind == Kind::banner));
  const auto ours = descriptors_of(::getpid());
  const auto masters = descriptors_of(ssh.process().pid);
  for (int i = 0; i < 30; ++i) {
    const auto answer = probe();
    BOOST_TEST((answer.kind == Kind::banner));
    BOOST_TEST(answer.round_trip.count() > 0);
    BOOST_TEST(!fs::exists(near));
  }
  BOOST_TEST(eventually(sshd.host(), [&] { return descriptors_of(::getpid()) <= ours; }));
  BOOST_TEST(eventually(sshd.host(), [&] { return descriptors_of(ssh.process().pid) <= masters; }));
}

BOOST_FIXTURE_TEST_CASE(a_target_that_says_nothing_is_told_from_one_that_is_gone, Place) {
  {
    const RogueServer target(Rogue::silent);
    forward_to(target.port());
    BOOST_TEST((probe().kind == Kind::silent));
    BOOST_TEST((probe(false).kind == Kind::open));
  }
  BOOST_TEST((probe().kind == Kind::closed));
}

BOOST_FIXTURE_TEST_CASE(a_socket_that_is_not_there_is_closed_at_once, Place) {
  BOOST_TEST((probe().kind == Kind::closed));
  BOOST_TEST((probe(false).kind == Kind::closed));
  BOOST_TEST(ssh.alive());
}

BOOST_FIXTURE_TEST_CASE(what_a_killed_predecessor_left_with_the_master_is_in_nobodys_way, Place) {
  const RogueServer target(Rogue::ssh_banner);
  forward_to(target.port());
  // It had asked for the socket, and never came to close it; its file went with the runtime directory.
  client.open_local({near.native()}, SocketEnd{far.native()}, 30s, [](const mux::Answer&) {});
  context.run();
  BOOST_REQUIRE(fs::exists(near));
  fs::remove(near);
  BOOST_TEST((probe().kind == Kind::banner));
  BOOST_TEST((probe().kind == Kind::banner));
}

BOOST_FIXTURE_TEST_CASE(a_probe_that_is_dropped_leaves_no_file_and_no_answer, Place) {
  const RogueServer target(Rogue::silent);
  forward_to(target.port());
  bool called = false;
  {
    mux::SocketProbe dropped(context, client, near);
    auto patient = request();
    patient.timeout = 1h;
    const auto before = descriptors_of(ssh.process().pid);
    dropped.probe(patient, [&](const mux::ProbeAnswer&) { called = true; });
    BOOST_TEST(eventually(sshd.host(), [&] {
      context.poll();
      return descriptors_of(ssh.process().pid) >= before + 2;  // it listens, and we are connected
    }));
  }
  context.restart();
  context.run();
  BOOST_TEST(!called);
  BOOST_TEST(!fs::exists(near));
  BOOST_TEST((probe(false).kind == Kind::open));
}

BOOST_AUTO_TEST_CASE(a_master_that_is_gone_gives_no_reply) {
  Place place;
  place.sshd.stop();
  BOOST_TEST(eventually(place.sshd.host(), [&] { return place.probe().kind == Kind::no_reply; }));
}

BOOST_AUTO_TEST_SUITE_END()
