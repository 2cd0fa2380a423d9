// Every tunnel that setup accepts is read back from its file as the same tunnel.
#include "tunnels/setup/wanted_tunnel.hpp"

#include "core/text.hpp"
#include "hostile_values.hpp"
#include "store/tunnel_file.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <random>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

SetupRequest make_request() {
  SetupRequest request{
      TunnelName::parse("lab").value(), Destination::parse("gate@bastion").value(), {Forward::parse("2222").value()}};
  request.paths.tunnels = "/home/ann/.config/holdfast/tunnels";
  request.paths.state = "/home/ann/.local/state/holdfast/ws";
  request.run_as = {1000, 1000, "ann", "/home/ann"};
  return request;
}

Result<Tunnel> wanted(const SetupRequest& request) {
  SetupFacts facts;
  facts.hostname = "ws";
  facts.machine = "0123456789abcdef";
  return wanted_tunnel(request, facts, "nohup", "/tmp/holdfast-1000");
}

/// Puts a value into one field of the request, as the options of setup do. False: refused.
using Field = std::function<bool(SetupRequest&, const std::string&)>;

template <class T, class Value>
bool assign(T& field, Result<Value> value) {
  if (value) field = std::move(*value);
  return value.has_value();
}

bool add_option(SetupRequest& to, const std::string& text) {
  auto option = SshOption::parse(text);
  if (option) to.ssh_options.push_back(std::move(*option));
  return option.has_value();
}

const std::array<Field, 9> k_fields{{
    [](auto& to, const auto& v) { return assign(to.name, TunnelName::parse(v)); },
    [](auto& to, const auto& v) { return assign(to.bastion, Destination::parse(v)); },
    [](auto& to, const auto& v) { return assign(to.bastion, Destination::parse(v + "@h")); },
    [](auto& to, const auto& v) { return assign(to.forwards[0], Forward::parse("2:" + v + ":1")); },
    [](auto& to, const auto& v) { return assign(to.forwards[0], Forward::parse("/" + v)); },
    [](auto& to, const auto& v) { return assign(to.identity, resolve_identity(v, "/home/ann", "/")); },
    [](auto& to, const auto& v) { return (to.host = v, true); },
    [](auto& to, const auto& v) { return add_option(to, "Ciphers=" + v); },
    [](auto& to, const auto& v) { return add_option(to, v); },
}};

/// True when setup accepts the request. Checks that its file reads back equal then.
bool reads_back(const SetupRequest& request) {
  const auto tunnel = wanted(request);
  if (!tunnel) {
    BOOST_TEST((tunnel.error().status == ExitStatus::usage), tunnel.error().line());
    BOOST_TEST(tunnel.error().line().size() < 500U);
    return false;
  }
  const auto read = store::parse_tunnel(request.name, store::format_tunnel(*tunnel), "lab.conf", "/home/ann");
  BOOST_REQUIRE_MESSAGE(read, read.error().line());
  BOOST_TEST((*read == *tunnel));
  return true;
}

/// A short text of bytes that mean something in one format or another.
std::string random_text(std::mt19937& random) {
  constexpr std::string_view k_bytes = "aZ0 \t\"'\\#=[]:,;%$~-/@._\n\r\x01\x7f\xc3\xa9\xff*&|`()";
  std::string text;
  const auto length = 1 + random() % 12;
  for (std::size_t i = 0; i < length; ++i) text += k_bytes[random() % k_bytes.size()];
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wanted_tunnels)

BOOST_AUTO_TEST_CASE(hostile_values_read_back_or_are_refused) {
  int accepted = 0;
  for (const auto& [kind, value] : test::k_hostile_values)
    for (std::size_t field = 0; field < k_fields.size(); ++field) BOOST_TEST_CONTEXT(kind << " in field " << field) {
        auto request = make_request();
        if (k_fields.at(field)(request, value) && reads_back(request)) ++accepted;
      }
  BOOST_TEST(accepted > 40);
}

BOOST_AUTO_TEST_CASE(random_values_read_back_or_are_refused) {
  std::mt19937 random(7);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    auto request = make_request();
    bool fine = true;
    for (int field = 0; field < 2; ++field)
      fine = k_fields.at(random() % k_fields.size())(request, random_text(random)) && fine;
    if (fine && reads_back(request)) ++accepted;
  }
  BOOST_TEST(accepted > 500);
}

BOOST_AUTO_TEST_CASE(a_path_that_no_file_can_have_is_refused) {
  auto request = make_request();
  request.identity = "/" + std::string(4094, 'x');
  BOOST_TEST(reads_back(request));
  request.identity = "/" + std::string(4095, 'x');
  BOOST_TEST(wanted(request).error().line() ==
             "reading identity: the path has 4096 bytes, more than the 4095 that Linux allows");
}

BOOST_AUTO_TEST_CASE(a_file_that_would_be_too_large_is_refused) {
  auto request = make_request();
  for (int i = 0; i < 20; ++i) BOOST_REQUIRE(add_option(request, "Ciphers=" + std::string(4000, 'x')));
  const auto error = wanted(request).error();
  BOOST_TEST(error.subject == "tunnel lab");
  BOOST_TEST(error.cause.ends_with(" bytes, more than the 65536 allowed"), error.cause);
}

BOOST_AUTO_TEST_SUITE_END()
