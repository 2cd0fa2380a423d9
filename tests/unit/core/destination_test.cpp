#include "core/destination.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using holdfast::Destination;
using holdfast::ExitStatus;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(destination)

BOOST_AUTO_TEST_CASE(user_host_and_port_are_separated) {
  const auto d = Destination::parse("gate@bastion.example.org:2200");
  BOOST_REQUIRE(d);
  BOOST_TEST(*d->user() == "gate");
  BOOST_TEST(d->host() == "bastion.example.org");
  BOOST_TEST(*d->port() == 2200);
  BOOST_TEST(d->ssh_argument() == "gate@bastion.example.org");
}

BOOST_AUTO_TEST_CASE(an_alias_is_passed_to_ssh_unchanged) {
  const auto d = Destination::parse("lab-gate");
  BOOST_REQUIRE(d);
  BOOST_TEST(!d->user());
  BOOST_TEST(!d->port());
  BOOST_TEST(d->ssh_argument() == "lab-gate");
}

BOOST_AUTO_TEST_CASE(an_ipv6_literal_needs_brackets) {
  const auto d = Destination::parse("me@[2001:db8::1]:22");
  BOOST_REQUIRE(d);
  BOOST_TEST(d->host() == "2001:db8::1");
  BOOST_TEST(d->ssh_argument() == "me@2001:db8::1");
  BOOST_TEST(d->text() == "me@[2001:db8::1]:22");
  BOOST_TEST(!Destination::parse("2001:db8::1"));
}

BOOST_DATA_TEST_CASE(the_normal_form_parses_to_the_same_destination,
                     data::make({"a", "u@a", "u@a:1", "[::1]", "[::1]:65535", "u.x-y@h_1.z", "DOM+u@h"})) {
  const auto d = Destination::parse(sample);
  BOOST_REQUIRE(d);
  BOOST_TEST(d->text() == sample);
  BOOST_TEST((*Destination::parse(d->text()) == *d));
}

BOOST_DATA_TEST_CASE(hostile_or_invalid_destinations_are_usage_errors, data::make({"",          "-oProxyCommand=x",
                                                                                   "a b",       "a\nb",
                                                                                   "a\x1b[31m", "a\xc2\x9b", "a\u202eb", "\xff@h", "user@",
                                                                                   "@host",     "host:99999",
                                                                                   "host:0",    "host:",
                                                                                   "host:22x",  "u@-oX",
                                                                                   "-u@h",      "a;b",
                                                                                   "$(id)@h",   "h`id`",
                                                                                   "[::1",      "[zz]",
                                                                                   "[::1]x",    "u@h/x",
                                                                                   "a,b",       "host:22:22",
                                                                                   "u:p@h",     "a=b"})) {
  const auto d = Destination::parse(sample);
  BOOST_REQUIRE(!d);
  BOOST_TEST((d.error().status == ExitStatus::usage));
  BOOST_TEST(!d.error().hint.empty());
  BOOST_TEST(d.error().line().find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(several_bastions_keep_their_order) {
  const auto several = holdfast::parse_bastions("gate@a, b:2200 ,[::1]");
  BOOST_REQUIRE(several);
  BOOST_REQUIRE(several->size() == 3U);
  BOOST_TEST((*several)[0].text() == "gate@a");
  BOOST_TEST((*several)[1].text() == "b:2200");
  BOOST_TEST((*several)[2].text() == "[::1]");
  BOOST_TEST(holdfast::parse_bastions("gate@a")->size() == 1U);
}

BOOST_DATA_TEST_CASE(an_invalid_list_of_bastions_is_a_usage_error,
                     data::make({"", ",", "a,", ",a", "a,,b", "a,a", "a,-oProxyCommand=x", "a b", "a,b c",
                                 "a,b,c,d,e,f,g,h,i"})) {
  const auto several = holdfast::parse_bastions(sample);
  BOOST_REQUIRE(!several);
  BOOST_TEST((several.error().status == ExitStatus::usage));
}

BOOST_AUTO_TEST_SUITE_END()
