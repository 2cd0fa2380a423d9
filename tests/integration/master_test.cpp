#include "ssh/client/master.hpp"

#include "ssh_master.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

struct Bastion {
  SshdFixture sshd;
  os::Host& host = sshd.host();
  boost::filesystem::path control = sshd.directory() / "ctl";
  Tunnel tunnel = sshd.tunnel({std::to_string(free_port())});

  bool socket_is_there() { return host.status(control).kind != os::FileKind::missing; }
};

/// A socket that listens and never answers, held by this very process.
class Stranger {
 public:
  explicit Stranger(const boost::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(socket_, 4) == 0);
  }
  ~Stranger() { ::close(socket_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

 private:
  int socket_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(master, Bastion)

BOOST_AUTO_TEST_CASE(no_ssh_of_a_removed_tunnel_goes_on) {
  const SshMaster ssh(sshd, tunnel);
  BOOST_TEST((ssh::find_master(host, control) == ssh.process()));
  const auto ended = ssh::end_master(control, host);
  BOOST_REQUIRE(ended);
  BOOST_TEST(*ended);
  BOOST_TEST(!ssh.alive());
  BOOST_TEST(!socket_is_there());
  BOOST_TEST(!ssh::end_master(control, host).value());
}

BOOST_AUTO_TEST_CASE(an_ssh_that_hangs_is_ended_too_and_within_five_seconds) {
  const SshMaster ssh(sshd, tunnel);
  host.signal(ssh.process(), SIGSTOP);
  const auto before = host.now();
  BOOST_TEST(ssh::end_master(control, host).value());
  BOOST_TEST((host.now() - before < 5s));
  BOOST_TEST(!ssh.alive());
  BOOST_TEST(!socket_is_there());
}

BOOST_AUTO_TEST_CASE(an_ssh_whose_socket_file_was_swept_away_is_found_by_what_was_written_down) {
  const SshMaster ssh(sshd, tunnel);
  BOOST_REQUIRE(host.remove_file(control));
  BOOST_TEST((!ssh::find_master(host, control)));
  BOOST_TEST((ssh::find_master(host, control, ssh.process()) == ssh.process()));
  BOOST_TEST(ssh::end_master(control, host, ssh.process()).value());
  BOOST_TEST(!ssh.alive());
}

BOOST_AUTO_TEST_CASE(a_process_that_was_written_down_wrongly_is_never_signalled) {
  const SshMaster ssh(sshd, tunnel);
  const auto other = sshd.directory() / "other";
  BOOST_TEST((!ssh::find_master(host, other, ssh.process())));
  BOOST_TEST(!ssh::end_master(other, host, ssh.process()).value());
  BOOST_TEST(ssh.alive());

  auto reused = ssh.process();
  reused.start_time += 1;
  BOOST_REQUIRE(host.remove_file(control));
  BOOST_TEST((!ssh::find_master(host, control, reused)));
  BOOST_TEST(ssh.alive());
}

BOOST_AUTO_TEST_CASE(a_dead_socket_is_removed_since_ssh_would_stay_deaf_with_it) {
  {
    const SshMaster ssh(sshd, tunnel);
    host.signal(ssh.process(), SIGKILL);
    eventually(host, [&] { return !ssh.alive(); });
  }
  BOOST_REQUIRE(socket_is_there());
  BOOST_TEST(!ssh::end_master(control, host).value());
  BOOST_TEST(!socket_is_there());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_left_alone) {
  BOOST_REQUIRE(host.write_volatile_file(control, "precious", 0600));
  BOOST_TEST(!ssh::end_master(control, host).value());
  BOOST_TEST(host.read_file(control).value() == "precious");
}

BOOST_AUTO_TEST_CASE(a_stranger_on_the_socket_is_an_error_and_lives) {
  const Stranger stranger(control);
  const auto ended = ssh::end_master(control, host);
  BOOST_REQUIRE(!ended);
  BOOST_TEST(ended.error().line() ==
             "ending the ssh that answers on " + control.native() + ": it is none that holdfast started");
  BOOST_TEST(socket_is_there());
}

BOOST_AUTO_TEST_SUITE_END()
