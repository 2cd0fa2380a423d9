#include "preflight_fixture.hpp"

#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <unistd.h>

using namespace holdfast;
using namespace std::chrono_literals;
namespace fs = boost::filesystem;

namespace {

using Fixture = PreflightFixture;

TunnelSpec leading_to(const SshdFixture& sshd, std::uint16_t port, const std::string& forward) {
  TunnelSpec spec = sshd.spec({forward});
  spec.bastion = Destination::parse("gate@127.0.0.1:" + std::to_string(port)).value();
  return spec;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(preflight)

BOOST_FIXTURE_TEST_CASE(a_passing_preflight_reports_each_check_and_frees_the_port, Fixture) {
  const auto spec = sshd.spec({forward()});
  const auto report = check(spec);
  BOOST_TEST((!report.failure));
  BOOST_TEST((!report.pinned_key));
  BOOST_REQUIRE(report.checks.size() == 7u);
  const std::vector<std::string> steps{"ssh found",
                                       "key usable",
                                       "bastion reached",
                                       "host key known",
                                       "key accepted",
                                       "port " + spec.forwards[0].short_text() + " free and allowed",
                                       "local target " + end_text(spec.forwards[0].target()) + " answering"};
  for (std::size_t i = 0; i < steps.size(); ++i) BOOST_TEST(report.checks[i].what == steps[i]);
  BOOST_TEST(report.checks[3].figure == "ED25519 " + sshd.fingerprint());
  BOOST_TEST((report.checks[6].figure.find("OpenSSH_9.9 in ") == 0));
  // The port is free again.
  BOOST_TEST((!check(spec).failure));
  BOOST_TEST(eventually(host, [&] { return sshd.log().find("Disconnected from") != std::string::npos; }));
}

BOOST_FIXTURE_TEST_CASE(an_unusable_key_fails_before_any_connection, Fixture) {
  auto spec = sshd.spec({forward()});
  const auto with_key = [&](const fs::path& key) {
    spec.identity = key;
    return check(spec);
  };
  expect(with_key(sshd.directory() / "nowhere"), FailureClass::key_missing, "key usable", "nowhere does not exist");
  expect(with_key(sshd.directory()), FailureClass::key_missing, "key usable", "is a directory");
  expect(with_key(sshd.directory() / "id.pub"), FailureClass::key_missing, "key usable", "is a public key");

  const auto notes = sshd.directory() / "notes";
  BOOST_REQUIRE(host.write_volatile_file(notes, "milk, bread", 0600));
  expect(with_key(notes), FailureClass::key_missing, "key usable", "contains no private key");

  const auto locked = sshd.directory() / "locked";
  BOOST_REQUIRE(host.run({{"ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked.native()}}, 20s)->ok());
  expect(with_key(locked), FailureClass::key_passphrase, "key usable", "has a passphrase");

  fs::permissions(sshd.identity(), fs::owner_read | fs::others_read);
  expect(with_key(sshd.identity()), FailureClass::key_permissions, "key usable", "other users can read");
  BOOST_TEST((sshd.log().find("Connection from") == std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(an_unknown_host_key_is_refused_with_its_fingerprint, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.known_hosts.reset();
  const auto report = check(spec);
  expect(report, FailureClass::host_key_unknown, "host key known", "the server offers ED25519 " + sshd.fingerprint());
  BOOST_TEST((report.failure->hint.find("--accept-new-host-key") != std::string::npos));
  BOOST_TEST((report.failure->hint.find("ssh -p " + std::to_string(sshd.port())) != std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(accept_new_host_key_pins_the_key_in_its_own_file, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.known_hosts.reset();
  auto wanted = request();
  wanted.accept_new_host_key = true;
  wanted.pin_file = sshd.directory() / "pin";
  const auto report = check(Tunnel::make(spec).value(), wanted);
  const auto own = host.read_file(host.user().home / ".ssh/known_hosts");
  BOOST_TEST((!own || own->find("[127.0.0.1]:" + std::to_string(sshd.port())) == std::string::npos));
  BOOST_TEST((!report.failure));
  BOOST_TEST((report.pinned_key == "ED25519 " + sshd.fingerprint()));
  BOOST_TEST(report.checks.size() == 7u);
  BOOST_TEST(host.read_file(wanted.pin_file).value() == report.pinned_lines);
  // The tunnel uses the pin.
  spec.known_hosts = wanted.pin_file;
  const auto again = check(spec);
  BOOST_TEST((!again.failure));
}

BOOST_FIXTURE_TEST_CASE(a_changed_host_key_is_never_accepted, Fixture) {
  const auto spec = sshd.spec({forward()});
  const auto other = host.read_file(sshd.directory() / "id.pub");
  BOOST_REQUIRE(
      host.write_volatile_file(sshd.known_hosts(), "[127.0.0.1]:" + std::to_string(sshd.port()) + " " + *other, 0600));
  auto wanted = request();
  wanted.accept_new_host_key = true;
  wanted.pin_file = sshd.directory() / "pin";
  const auto report = check(Tunnel::make(spec).value(), wanted);
  expect(report, FailureClass::host_key_changed, "host key known", "has changed");
  BOOST_TEST((!report.pinned_key));
  BOOST_TEST(!fs::exists(wanted.pin_file));
}

BOOST_FIXTURE_TEST_CASE(an_own_list_of_host_keys_is_not_extended, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.known_hosts.reset();
  spec.ssh_options.push_back(SshOption::parse("UserKnownHostsFile=" + (sshd.directory() / "empty").string()).value());
  auto wanted = request();
  wanted.accept_new_host_key = true;
  const auto report = ssh::preflight(host, Tunnel::make(spec).value(), wanted, [](const ssh::Check&) {});
  BOOST_REQUIRE(!report);
  BOOST_TEST((report.error().cause.find("names the only keys to trust") != std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(nothing_is_pinned_when_the_login_fails_afterwards, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.known_hosts.reset();
  BOOST_REQUIRE(host.write_volatile_file(sshd.directory() / "authorized_keys", "", 0600));
  auto wanted = request();
  wanted.accept_new_host_key = true;
  wanted.pin_file = sshd.directory() / "pin";
  expect(check(Tunnel::make(spec).value(), wanted), FailureClass::auth, "key accepted", "refused the key");
  BOOST_TEST(!fs::exists(wanted.pin_file));
}

BOOST_FIXTURE_TEST_CASE(a_refused_key_is_an_auth_failure, Fixture) {
  BOOST_REQUIRE(host.write_volatile_file(sshd.directory() / "authorized_keys", "", 0600));
  expect(check(sshd.spec({forward()})), FailureClass::auth, "key accepted", "refused the key");
}

BOOST_FIXTURE_TEST_CASE(a_port_in_use_is_forward_busy, Fixture) {
  const RogueServer holder(Rogue::silent);
  const auto text = std::to_string(holder.port());
  expect(check(sshd.spec({text + ":127.0.0.1:" + std::to_string(target.port())})), FailureClass::forward_busy,
         "port " + text + " free and allowed", "is already in use");
}

BOOST_FIXTURE_TEST_CASE(a_forward_of_the_running_tunnel_is_not_requested, Fixture) {
  const RogueServer holder(Rogue::silent);
  auto wanted = request();
  auto spec = sshd.spec({std::to_string(holder.port()) + ":127.0.0.1:" + std::to_string(target.port())});
  wanted.held = spec.forwards;
  const auto report = check(Tunnel::make(spec).value(), wanted);
  BOOST_TEST((!report.failure));
  BOOST_TEST(report.checks[5].figure == "held by this tunnel");
}

BOOST_AUTO_TEST_CASE(disabled_forwarding_is_forward_denied) {
  Fixture fixture({.config = {"AllowTcpForwarding no"}});
  const auto spec = fixture.sshd.spec({fixture.forward()});
  fixture.expect(fixture.check(spec), FailureClass::forward_denied,
                 "port " + spec.forwards[0].short_text() + " free and allowed", "does not allow this key to listen");
}

BOOST_AUTO_TEST_CASE(a_key_for_another_port_is_forward_denied) {
  Fixture fixture({.key_options = "restrict,port-forwarding,permitlisten=\"127.0.0.1:1\""});
  const auto spec = fixture.sshd.spec({fixture.forward()});
  const auto report = fixture.check(spec);
  fixture.expect(report, FailureClass::forward_denied, "port " + spec.forwards[0].short_text() + " free and allowed",
                 "does not allow this key to listen");
  BOOST_TEST((report.failure->hint.find("permitlisten=\"" + end_text(spec.forwards[0].listen())) != std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(no_remote_socket_is_left_behind, Fixture) {
  const auto socket = sshd.directory() / "remote.sock";
  const auto report = check(sshd.spec({socket.native() + ":127.0.0.1:" + std::to_string(target.port())}));
  BOOST_TEST((!report.failure));
  BOOST_TEST(!fs::exists(socket));
}

BOOST_FIXTURE_TEST_CASE(a_closed_target_is_target_down, Fixture) {
  const auto closed = std::to_string(free_port());
  expect(check(sshd.spec({std::to_string(free_port()) + ":localhost:" + closed})), FailureClass::target_down,
         "local target localhost:" + closed + " answering", "the target localhost:" + closed + " is not accepting");
}

BOOST_FIXTURE_TEST_CASE(a_target_that_closes_at_once_is_a_warning, Fixture) {
  const RogueServer moody(Rogue::hangs_up);
  const auto report = check(sshd.spec({std::to_string(free_port()) + ":localhost:" + std::to_string(moody.port())}));
  BOOST_TEST((!report.failure));
  BOOST_TEST(report.checks.back().warning);
  BOOST_REQUIRE(report.checks.back().failure);
}

BOOST_FIXTURE_TEST_CASE(a_silent_target_passes, Fixture) {
  const RogueServer web(Rogue::silent);
  const auto report = check(sshd.spec({std::to_string(free_port()) + ":localhost:" + std::to_string(web.port())}));
  BOOST_TEST((!report.failure));
  BOOST_TEST(!report.checks.back().warning);
}

BOOST_FIXTURE_TEST_CASE(a_closed_ssh_port_is_refused, Fixture) {
  const auto port = free_port();
  expect(check(leading_to(sshd, port, forward())), FailureClass::refused, "bastion reached",
         "127.0.0.1 port " + std::to_string(port));
}

BOOST_FIXTURE_TEST_CASE(an_unknown_host_name_is_a_dns_failure, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.bastion = Destination::parse("no-such-host.invalid").value();
  expect(check(spec), FailureClass::dns, "bastion reached", "no-such-host.invalid");
}

BOOST_FIXTURE_TEST_CASE(a_server_without_ssh_is_quoted, Fixture) {
  const auto check_against = [&](Rogue kind, const std::string& text) {
    const RogueServer server(kind);
    expect(check(leading_to(sshd, server.port(), forward())), FailureClass::closed, "bastion reached", text);
  };
  // Text that imitates messages of ssh is quoted and never interpreted.
  check_against(Rogue::garbage, "sent no ssh banner, but: HTTP/1.1 400 Bad Request");
  check_against(Rogue::endless, "sent no ssh banner, but: REMOTE HOST IDENTIFICATION HAS CHANGED!");
  check_against(Rogue::hangs_up, "closed the connection before the ssh handshake");
}

BOOST_FIXTURE_TEST_CASE(a_stalled_bastion_ends_in_a_timeout, Fixture) {
  const auto check_against = [&](Rogue kind, FailureClass failure, const std::string& step, const std::string& text) {
    const RogueServer server(kind);
    auto wanted = request();
    wanted.deadline = 400ms;
    const auto before = host.now();
    expect(check(Tunnel::make(leading_to(sshd, server.port(), forward())).value(), wanted), failure, step, text);
    BOOST_TEST((host.now() - before < 3s));
  };
  check_against(Rogue::silent, FailureClass::timeout, "bastion reached", "did not answer in time");
  check_against(Rogue::dripping, FailureClass::closed, "bastion reached", "sent no ssh banner, but: please wait");
  check_against(Rogue::ssh_banner, FailureClass::timeout, "keys exchanged", "stalled while logging in");
}

BOOST_FIXTURE_TEST_CASE(an_interrupted_preflight_leaves_no_ssh, Fixture) {
  const RogueServer server(Rogue::silent);
  auto wanted = request();
  wanted.interrupted = [&] { return fs::exists(scratch_directory / "log"); };
  const auto report =
      ssh::preflight(host, Tunnel::make(leading_to(sshd, server.port(), forward())).value(), wanted, {});
  BOOST_REQUIRE(!report);
  BOOST_TEST((report.error().status == ExitStatus::interrupted));
  for (const auto& name : host.list("/proc"))
    if (const pid_t pid = std::atoi(name.c_str()); pid > 0)
      BOOST_TEST((host.command_line(pid).find(scratch_directory.native()) == std::string::npos || pid == ::getpid()));
}

BOOST_FIXTURE_TEST_CASE(a_bastion_lost_before_the_forward_is_reported_as_closed, Fixture) {
  const auto spec = sshd.spec({forward()});
  const auto report = ssh::preflight(host, Tunnel::make(spec).value(), request(), [&](const ssh::Check& check) {
    if (check.what == "key accepted") sshd.stop();
  });
  BOOST_REQUIRE(report);
  expect(*report, FailureClass::closed, "port " + spec.forwards[0].short_text() + " free and allowed",
         "closed the connection");
}

BOOST_FIXTURE_TEST_CASE(an_unknown_ssh_option_is_a_config_failure, Fixture) {
  auto spec = sshd.spec({forward()});
  spec.ssh_options = {SshOption::parse("NoSuchOption=yes").value()};
  expect(check(spec), FailureClass::config, "bastion reached", "ad configuration option: nosuchoption");
}

BOOST_FIXTURE_TEST_CASE(a_missing_ssh_names_the_install_command, Fixture) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", scratch_directory.c_str(), 1);
  const auto client = ssh::find_client(host);
  ::setenv("PATH", path.c_str(), 1);
  BOOST_REQUIRE(!client);
  BOOST_TEST(client.error().line() == "looking for the ssh program: it is not installed, or not in PATH");
  BOOST_TEST((client.error().hint.find("install") == 0));
}

BOOST_AUTO_TEST_SUITE_END()
