// Refused logins, with the setting in question in a real sshd.
#include "preflight_fixture.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

using namespace holdfast;
using namespace std::chrono_literals;
namespace fs = boost::filesystem;

namespace {

using Fixture = PreflightFixture;

/// Accepts connections and never answers.
class SilentAgent {
 public:
  explicit SilentAgent(const fs::path& path) : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    BOOST_REQUIRE(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(descriptor_, 8) == 0);
  }
  ~SilentAgent() { ::close(descriptor_); }
  SilentAgent(const SilentAgent&) = delete;
  SilentAgent& operator=(const SilentAgent&) = delete;

 private:
  int descriptor_;
};

void run(os::Host& host, const std::vector<std::string>& argv) {
  const auto done = host.run(os::Command{argv}, 60s);
  BOOST_REQUIRE_MESSAGE(done && done->ok(), argv.front() + ": " + (done ? done->err : done.error().line()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(preflight_login)

BOOST_AUTO_TEST_CASE(a_second_factor_after_the_key_is_named) {
  Fixture fixture(
      {.config = {"AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"}});
  fixture.expect(fixture.check(fixture.sshd.spec({fixture.forward()})), FailureClass::second_factor, "key accepted",
                 "accepted the key and wants a second factor: keyboard-interactive");
}

BOOST_AUTO_TEST_CASE(a_server_without_keys_is_told_from_a_second_factor) {
  Fixture fixture({.config = {"PubkeyAuthentication no", "KbdInteractiveAuthentication yes"}});
  fixture.expect(fixture.check(fixture.sshd.spec({fixture.forward()})), FailureClass::auth, "key accepted",
                 "accepts no keys, only: keyboard-interactive");
}

BOOST_FIXTURE_TEST_CASE(a_client_that_tries_no_key_gets_the_setting_by_name, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.ssh_options = {{"PubkeyAuthentication", "no"}};
  expect(check(spec), FailureClass::config, "key accepted", "PubkeyAuthentication no");
}

BOOST_FIXTURE_TEST_CASE(an_unknown_jump_host_is_named_with_its_user, Fixture) {
  auto spec = sshd.spec({forward()});
  const auto jump = "nosuch@127.0.0.1:" + std::to_string(sshd.port());
  spec.ssh_options = {{"ProxyJump", jump}};
  const auto report = check(spec);
  expect(report, FailureClass::jump_host, "bastion reached", "the jump host " + jump + " is unknown");
  BOOST_TEST((report.failure->hint.find("accept-new-host-key") == std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(a_jump_host_that_is_down_is_named, Fixture) {
  auto spec = sshd.spec({forward()});
  const auto jump = "gate@127.0.0.1:" + std::to_string(free_port());
  spec.ssh_options = {{"ProxyJump", jump}};
  expect(check(spec), FailureClass::jump_host, "bastion reached", "the jump host " + jump + " refused the connection");
}

BOOST_FIXTURE_TEST_CASE(an_expired_user_certificate_is_named_with_its_dates, Fixture) {
  const auto key = sshd.identity().native();
  const auto authority = (sshd.directory() / "host_key").native();
  run(host, {"ssh-keygen", "-q", "-s", authority, "-I", "ada", "-n", "ada", "-V", "20200101Z:20210101Z", key + ".pub"});
  BOOST_REQUIRE(host.write_volatile_file(sshd.directory() / "authorized_keys", "", 0600));
  expect(check(sshd.spec({forward()})), FailureClass::certificate, "key accepted",
         key + "-cert.pub has expired: it is valid from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z");
}

BOOST_AUTO_TEST_CASE(an_expired_host_certificate_never_leads_to_a_pin) {
  Fixture fixture;
  auto& sshd = fixture.sshd;
  const auto host_key = (sshd.directory() / "host_key").native();
  run(fixture.host, {"ssh-keygen", "-q", "-s", sshd.identity().native(), "-I", "bast", "-h", "-n", "127.0.0.1", "-V",
                     "20200101Z:20210101Z", host_key + ".pub"});
  sshd.stop();
  sshd.configure({"HostCertificate " + host_key + "-cert.pub"});
  sshd.start();
  const auto authority = fixture.host.read_file(sshd.identity().native() + ".pub");
  BOOST_REQUIRE(fixture.host.write_volatile_file(sshd.known_hosts(), "@cert-authority * " + *authority, 0600));
  auto request = fixture.request();
  request.accept_new_host_key = true;
  const auto report = fixture.check(Tunnel::make(sshd.spec({fixture.forward()})).value(), request);
  fixture.expect(report, FailureClass::certificate, "host key known", "is invalid: expired (ID \"bast\"");
  BOOST_TEST(!report.pinned_key);
}

BOOST_FIXTURE_TEST_CASE(a_silent_agent_is_named_and_a_given_key_needs_none, Fixture) {
  const auto socket = sshd.directory() / "agent";
  const SilentAgent agent(socket);
  auto spec = sshd.spec({forward()});
  spec.identity.reset();
  spec.ssh_options = {{"IdentityAgent", socket.native()}};
  expect(check(spec), FailureClass::agent, "ssh agent answering", socket.native());
  const auto report = check(sshd.spec({forward()}));
  BOOST_TEST(!report.failure);
}

BOOST_AUTO_TEST_SUITE_END()
