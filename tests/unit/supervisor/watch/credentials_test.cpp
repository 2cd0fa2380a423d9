#include "supervisor/watch/credentials.hpp"

#include "scratch_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/filesystem/fstream.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

using namespace holdfast;
using namespace holdfast::supervisor;

namespace {

/// A home with a key, and a watch of a tunnel that uses it.
struct Home {
  ScratchDirectory directory;
  boost::asio::io_context context;
  int changes = 0;
  CredentialWatch watch{context, directory.path(), [this] { ++changes; }};
  Tunnel tunnel = make_tunnel(directory.path() / "id");

  Home() {
    boost::filesystem::create_directory(directory.path() / ".ssh");
    write("id");
  }

  static Tunnel make_tunnel(const boost::filesystem::path& key) {
    TunnelSpec spec{*TunnelName::parse("lab"), *Destination::parse("gate@bastion"), {*Forward::parse("2222")}};
    spec.identity = key;
    return Tunnel::make(std::move(spec)).value();
  }
  void write(const std::string& name) const {
    boost::filesystem::ofstream(directory.path() / name, std::ios::app) << "text\n";
  }
  /// Runs the context until a change is reported; false after `span`.
  bool is_reported(std::chrono::seconds span) {
    const auto end = std::chrono::steady_clock::now() + span;
    while (changes == 0 && std::chrono::steady_clock::now() < end) context.run_one_for(std::chrono::milliseconds(50));
    return changes != 0;
  }
};

Diagnosis failed(FailureClass failure) { return {failure, "it failed", {}}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(credential_watch)

BOOST_AUTO_TEST_CASE(a_renewed_certificate_is_reported_within_seconds) {
  Home home;
  home.watch.note(home.tunnel);
  home.write("id-cert.pub");  // while the login was failing
  home.watch.start(failed(FailureClass::certificate));
  BOOST_TEST(home.is_reported(std::chrono::seconds(10)));
}

BOOST_AUTO_TEST_CASE(a_corrected_ssh_config_is_reported_within_seconds) {
  Home home;
  home.watch.note(home.tunnel);
  home.write(".ssh/config");
  home.watch.start(failed(FailureClass::config));
  BOOST_TEST(home.is_reported(std::chrono::seconds(10)));
}

BOOST_AUTO_TEST_CASE(known_hosts_matters_only_for_host_keys) {
  Home home;
  home.watch.note(home.tunnel);
  home.write(".ssh/known_hosts");
  home.watch.start(failed(FailureClass::auth));
  BOOST_TEST(!home.is_reported(std::chrono::seconds(4)));
  home.watch.stop();
  home.watch.start(failed(FailureClass::host_key_unknown));
  BOOST_TEST(home.is_reported(std::chrono::seconds(10)));
}

BOOST_AUTO_TEST_CASE(only_failures_that_a_file_can_end_are_watched) {
  BOOST_TEST(depends_on_credentials(failed(FailureClass::key_passphrase)));
  BOOST_TEST(!depends_on_credentials(failed(FailureClass::refused)));
  BOOST_TEST(!depends_on_credentials(failed(FailureClass::second_factor)));
  auto behind_jump = failed(FailureClass::jump_host);
  behind_jump.beneath = FailureClass::auth;
  BOOST_TEST(depends_on_credentials(behind_jump));
}

BOOST_AUTO_TEST_SUITE_END()
