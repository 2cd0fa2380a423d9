// Root runs preflight for another user: a check must fail when that user lacks the permission.
#include "ssh/preflight/preflight.hpp"

#include "rogue_server.hpp"
#include "ssh_master.hpp"

#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <unistd.h>

using namespace holdfast;
namespace fs = boost::filesystem;

namespace {

struct AsRoot {
  boost::test_tools::assertion_result operator()(boost::unit_test::test_unit_id) const {
    boost::test_tools::assertion_result result(::geteuid() == 0);
    result.message() << "only root can run a preflight as another user";
    return result;
  }
};

struct ForNobody {
  ForNobody() {
    fs::create_directories(scratch_directory);
    fs::copy_file(sshd.identity(), home / "id");
    for (const auto& path : {home, scratch_directory, home / "id"}) {
      BOOST_REQUIRE(::chown(path.c_str(), nobody.uid, nobody.gid) == 0);
      fs::permissions(path, path.filename() == "id" ? fs::owner_read : fs::owner_all);
    }
    spec.identity = home / "id";
    spec.known_hosts.reset();
    spec.run_as = nobody.name;
    request.accept_new_host_key = true;
    request.pin_file = sshd.directory() / "pin";
  }
  ~ForNobody() {
    boost::system::error_code ignored;
    fs::remove_all(home, ignored);
  }
  ForNobody(const ForNobody&) = delete;
  ForNobody& operator=(const ForNobody&) = delete;

  ssh::PreflightReport check() {
    auto report = ssh::preflight(host, Tunnel::make(spec).value(), request, {});
    BOOST_REQUIRE_MESSAGE(report, report.error().line());
    return *report;
  }

  SshdFixture sshd;
  RogueServer target{Rogue::ssh_banner};
  os::Host& host = sshd.host();
  os::User nobody = host.find_user("nobody").value();
  fs::path home = fs::temp_directory_path() / fs::unique_path("holdfast-nobody-%%%%%%%%");
  fs::path scratch_directory = home / "scratch";
  TunnelSpec spec = sshd.spec({std::to_string(free_port()) + ":127.0.0.1:" + std::to_string(target.port())});
  ssh::PreflightRequest request{.client = ssh::find_client(host).value(),
                                .run_as = nobody,
                                .environment = ssh::job_environment(host, nobody),
                                .scratch_directory = scratch_directory};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(preflight_as_user, *boost::unit_test::precondition(AsRoot{}))

BOOST_FIXTURE_TEST_CASE(ssh_runs_as_the_user_and_root_owns_the_pin, ForNobody) {
  const auto report = check();
  BOOST_REQUIRE_MESSAGE(!report.failure, (report.failure ? report.failure->message : std::string()));
  BOOST_TEST(host.status(scratch_directory / "log").owner == nobody.uid);
  BOOST_TEST((report.pinned_key == "ED25519 " + sshd.fingerprint()));
  const auto pin = host.status(request.pin_file);
  BOOST_TEST(pin.owner == 0u);
  BOOST_TEST(pin.mode == 0644u);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_only_root_can_read_is_refused, ForNobody) {
  spec.identity = sshd.identity();
  const auto report = check();
  BOOST_REQUIRE(report.failure);
  BOOST_TEST(to_text(report.failure->failure) == "key-permissions");
  BOOST_TEST(
      (report.failure->message.find("the user of this tunnel cannot read the private key") != std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(a_link_in_place_of_the_pin_is_not_copied, ForNobody) {
  // Replaces the file after ssh has written it and before root reads it, during the check of the targets.
  const auto report = ssh::preflight(host, Tunnel::make(spec).value(), request, [&](const ssh::Check& check) {
    if (check.what.find("local target") != 0) return;
    fs::remove(scratch_directory / "known_hosts");
    fs::create_symlink("/etc/passwd", scratch_directory / "known_hosts");
  });
  BOOST_REQUIRE(!report);
  BOOST_TEST(!fs::exists(request.pin_file));
}

BOOST_AUTO_TEST_SUITE_END()
