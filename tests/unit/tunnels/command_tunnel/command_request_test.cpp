#include "tunnels/command_tunnel/command_request.hpp"

#include "hostile_values.hpp"
#include "os/posix_host.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

CommandArguments arguments(std::string port = "2230-2239") {
  CommandArguments words;
  words.connection.ports = {std::move(port)};
  words.connection.bastions = {"gate@bastion"};
  return words;
}

Result<CommandRequest> read(const CommandArguments& words) {
  const auto host = os::make_posix_host();
  Observer observer;
  return read_command_request(words, *host, observer);
}

bool is_usage_error(const CommandArguments& words) {
  const auto request = read(words);
  return !request && request.error().status == ExitStatus::usage;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_request)

BOOST_AUTO_TEST_CASE(a_private_sshd_and_twenty_seconds_are_the_defaults) {
  const auto request = read(arguments());
  BOOST_REQUIRE(request);
  BOOST_TEST(!request->target);
  BOOST_TEST(request->wait.count() == 20);
  BOOST_TEST(!request->required);
  BOOST_TEST(request->ports.text() == "2230-2239");
  BOOST_TEST(request->keys.filename() == "authorized_keys");
}

BOOST_AUTO_TEST_CASE(a_target_is_a_host_and_port_or_a_socket) {
  for (const char* text : {"localhost:8888", "[::1]:80", "node7:1", "/run/x.sock"}) {
    const auto target = parse_target(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(target);
      BOOST_TEST(end_text(*target) == text);
      BOOST_TEST(forward_to(*target, 2230)->text() == std::string("127.0.0.1:2230:") + text);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_targets_are_usage_errors) {
  for (const char* text : {"", "8888", "localhost", ":80", "localhost:0", "localhost:65536", "22:localhost:80",
                           "a:1:b:2", "-x:80", "a b:80", "h:80\n", "[::1:80", "/run/", "h:80:"})
    BOOST_TEST(!parse_target(text), text);
}

BOOST_AUTO_TEST_CASE(hostile_targets_stay_one_value) {
  for (const auto& [kind, value] : test::k_hostile_values) {
    const auto target = parse_target(value + ":80");
    if (target) BOOST_TEST(end_text(*target) == value + ":80", kind);
  }
}

BOOST_AUTO_TEST_CASE(options_that_exclude_each_other_are_usage_errors) {
  auto words = arguments();
  words.target = "localhost:80";
  BOOST_TEST(read(words).has_value());
  words.sshd = true;
  BOOST_TEST(is_usage_error(words));
  words.sshd = false;
  words.keys = "keys";
  BOOST_TEST(is_usage_error(words));
  words = arguments();
  words.connection.ports.emplace_back("2240");
  BOOST_TEST(is_usage_error(words));
  words = arguments();
  words.connection.bastions = {"a,b"};
  BOOST_TEST(is_usage_error(words));
  words = arguments();
  words.wait = "soon";
  BOOST_TEST(is_usage_error(words));
  BOOST_TEST(is_usage_error(arguments("0")));
}

BOOST_AUTO_TEST_SUITE_END()
