#include "core/tunnel.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace holdfast;
namespace data = boost::unit_test::data;

namespace {

TunnelSpec a_spec() {
  return TunnelSpec{*TunnelName::parse("2222"), *Destination::parse("gate@bastion"), {*Forward::parse("2222")}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tunnel)

BOOST_DATA_TEST_CASE(valid_names_are_accepted,
                     data::make(std::vector<std::string>{"2222", "a", "lab.x_y-z", "A1", std::string(64, 'x')})) {
  BOOST_TEST(!!TunnelName::parse(sample));
}

BOOST_DATA_TEST_CASE(invalid_names_are_usage_errors,
                     data::make(std::vector<std::string>{"", "../x", "-x", "a\nb", ".x", "a/b", "a b", "\xc3\xbc",
                                                         std::string(65, 'x')})) {
  const auto name = TunnelName::parse(sample);
  BOOST_REQUIRE(!name);
  BOOST_TEST((name.error().status == ExitStatus::usage));
}

BOOST_AUTO_TEST_CASE(a_name_of_hexadecimal_letters_is_no_address) {
  const auto has_name = [](const std::string& target) {
    auto spec = a_spec();
    spec.forwards = {*Forward::parse("2222:" + target + ":22")};
    return Tunnel::make(std::move(spec))->has_named_target();
  };
  for (const std::string name : {"db", "ad", "cafe", "face.b00c", "web"}) BOOST_TEST(has_name(name), name);
  for (const std::string address : {"localhost", "127.0.0.1", "[::1]", "[fe80::1]"})
    BOOST_TEST(!has_name(address), address);
}

BOOST_AUTO_TEST_CASE(a_valid_spec_makes_a_tunnel) { BOOST_TEST(!!Tunnel::make(a_spec())); }

BOOST_AUTO_TEST_CASE(two_forwards_cannot_listen_at_the_same_end) {
  auto spec = a_spec();
  spec.forwards.push_back(*Forward::parse("2222:localhost:80"));
  BOOST_TEST(!Tunnel::make(spec));
  spec.forwards[1] = *Forward::parse("[::1]:2222");
  BOOST_TEST(!!Tunnel::make(spec));
}

BOOST_AUTO_TEST_CASE(invalid_fields_are_refused) {
  auto spec = a_spec();
  spec.identity = "relative";
  BOOST_TEST(!Tunnel::make(spec));
  spec = a_spec();
  spec.probe_interval = std::chrono::seconds(9);
  BOOST_TEST(!Tunnel::make(spec));
  spec = a_spec();
  spec.spread = std::chrono::seconds(7);
  BOOST_TEST(!Tunnel::make(spec));
  spec = a_spec();
  spec.run_as = "x\nUser=root";
  BOOST_TEST(!Tunnel::make(spec));
}

BOOST_AUTO_TEST_CASE(a_leading_tilde_is_expanded) {
  BOOST_TEST(resolve_identity("~/.ssh/id", "/home/a", "/cwd")->native() == "/home/a/.ssh/id");
  BOOST_TEST(resolve_identity("k/../id", "/home/a", "/cwd")->native() == "/cwd/id");
  BOOST_TEST(resolve_identity("/x/~/id", "/home/a", "/cwd")->native() == "/x/~/id");
  BOOST_TEST(!resolve_identity("~bob/id", "/home/a", "/cwd"));
  BOOST_TEST(!resolve_identity("~/id", "", "/cwd"));
  BOOST_TEST(!resolve_identity("a\nb", "/home/a", "/cwd"));
}

BOOST_DATA_TEST_CASE(other_options_are_accepted,
                     data::make({"Compression=yes", "PreferredAuthentications=gssapi-with-mic", "ProxyCommand=nc %h %p",
                                 "ProxyJump=x"})) {
  BOOST_TEST(!!SshOption::parse(sample));
}

BOOST_DATA_TEST_CASE(invalid_options_are_refused,
                     data::make({"", "=x", "Compression", "a b=c", "X=", "X=a\nb", "-o=x"})) {
  BOOST_TEST(!SshOption::parse(sample));
}

BOOST_AUTO_TEST_SUITE_END()
