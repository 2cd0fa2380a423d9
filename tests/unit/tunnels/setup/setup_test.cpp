// Setups and moves of a host on paper, as far as they come without a change to it.
#include "tunnels/setup/setup.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;
using namespace holdfast::test;

namespace {

struct Desk {
  RecordedHost host;
  Observer observer;
  store::Paths paths = store::paths(Scope::user, host).value();

  Desk() {
    host.put_directory("/home/ann", 0700);
    host.put_directory("/tmp", 01777, 0);
    for (const char* program : {"ssh", "tmux"}) host.put_program(program);
    host.answer("/usr/bin/ssh -V", os::Completed{0, false, "", "OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.11\n"});
  }

  [[nodiscard]] SetupRequest move_to(const std::string& backend) const {
    SetupRequest request{
        TunnelName::parse("lab").value(), Destination::parse("gate@bastion").value(), {Forward::parse("2222").value()}};
    request.paths = paths;
    request.run_as = host.me;
    request.move = true;
    request.backend = backend;
    return request;
  }
  void put_tunnel(const std::string& text) {
    host.put_directory(paths.tunnels, 0700);
    host.put(paths.tunnels / "lab.conf", text, 0600);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(setup_preview, Desk)

BOOST_AUTO_TEST_CASE(a_tunnel_that_vanished_cannot_be_moved) {
  const auto lines = preview_setup(move_to("nohup"), host, observer);
  BOOST_REQUIRE(!lines);
  BOOST_TEST(static_cast<int>(lines.error().status) == 4, lines.error().line());
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_other_nodes_cannot_be_moved) {
  put_tunnel("port = 2222\nbastion = gate@bastion\nbackend = nohup\nhost = any\n");
  for (const char* backend : {"nohup", "auto"}) {
    const auto lines = preview_setup(move_to(backend), host, observer);
    BOOST_REQUIRE(!lines);
    BOOST_TEST(lines.error().line() == "moving tunnel lab: it is not set up on this host");
  }
}

BOOST_AUTO_TEST_CASE(a_stopped_tunnel_can_be_moved) {
  put_tunnel("port = 2222\nbastion = gate@bastion\nbackend = nohup\nhost = ws\n");
  const auto lines = preview_setup(move_to("tmux"), host, observer);
  BOOST_REQUIRE_MESSAGE(lines, lines.error().line());
  std::string text;
  for (const auto& line : *lines) text += line + "\n";
  BOOST_TEST(text.find("backend = tmux") != std::string::npos, text);
}

BOOST_AUTO_TEST_SUITE_END()
