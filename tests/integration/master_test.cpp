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

  bool socket_exists() { return host.status(control).kind != os::FileKind::missing; }
};

/// A socket of this process that listens and never answers.
class OtherListener {
 public:
  explicit OtherListener(const boost::filesystem::path& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    BOOST_REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(socket_, 4) == 0);
  }
  ~OtherListener() { ::close(socket_); }
  OtherListener(const OtherListener&) = delete;
  OtherListener& operator=(const OtherListener&) = delete;

 private:
  int socket_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(master, Bastion)

BOOST_AUTO_TEST_CASE(ending_the_master_ends_its_ssh) {
  const SshMaster ssh(sshd, tunnel);
  BOOST_TEST((ssh::find_master(host, control) == ssh.process()));
  const auto ended = ssh::end_master(control, host);
  BOOST_REQUIRE(ended);
  BOOST_TEST(*ended);
  BOOST_TEST(!ssh.alive());
  BOOST_TEST(!socket_exists());
  BOOST_TEST(!ssh::end_master(control, host).value());
}

BOOST_AUTO_TEST_CASE(a_stopped_ssh_is_ended_within_five_seconds) {
  const SshMaster ssh(sshd, tunnel);
  host.signal(ssh.process(), SIGSTOP);
  const auto before = host.now();
  BOOST_TEST(ssh::end_master(control, host).value());
  BOOST_TEST((host.now() - before < 5s));
  BOOST_TEST(!ssh.alive());
  BOOST_TEST(!socket_exists());
}

BOOST_AUTO_TEST_CASE(an_ssh_without_its_socket_file_is_found_by_pid) {
  const SshMaster ssh(sshd, tunnel);
  BOOST_REQUIRE(host.remove_file(control));
  BOOST_TEST((!ssh::find_master(host, control)));
  BOOST_TEST((ssh::find_master(host, control, ssh.process()) == ssh.process()));
  BOOST_TEST(ssh::end_master(control, host, ssh.process()).value());
  BOOST_TEST(!ssh.alive());
}

BOOST_AUTO_TEST_CASE(a_wrongly_recorded_process_is_never_signalled) {
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

BOOST_AUTO_TEST_CASE(a_dead_socket_is_removed) {
  {
    const SshMaster ssh(sshd, tunnel);
    host.signal(ssh.process(), SIGKILL);
    eventually(host, [&] { return !ssh.alive(); });
  }
  BOOST_REQUIRE(socket_exists());
  BOOST_TEST(!ssh::end_master(control, host).value());
  BOOST_TEST(!socket_exists());
}

BOOST_AUTO_TEST_CASE(a_regular_file_at_the_socket_path_is_kept) {
  BOOST_REQUIRE(host.write_volatile_file(control, "precious", 0600));
  BOOST_TEST(!ssh::end_master(control, host).value());
  BOOST_TEST(host.read_file(control).value() == "precious");
}

BOOST_AUTO_TEST_CASE(another_process_on_the_socket_is_an_error_and_survives) {
  const OtherListener stranger(control);
  const auto ended = ssh::end_master(control, host);
  BOOST_REQUIRE(!ended);
  BOOST_TEST(ended.error().line() == "ending the ssh on " + control.native() + ": another program listens there");
  BOOST_TEST(socket_exists());
}

BOOST_AUTO_TEST_SUITE_END()
