#include "store/known_crowds.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace holdfast::store {

BOOST_AUTO_TEST_SUITE(known_crowds)

const WallTime k_when{std::chrono::seconds(1'795'341'600)};

BOOST_AUTO_TEST_CASE(crowds_read_back_equal) {
  const KnownCrowds kept{{"gate@bastion:2200", k_when}, {"gate@[2001:db8::1]:22", k_when}};
  BOOST_TEST((parse_known_crowds(format_known_crowds(kept)) == kept));
}

BOOST_AUTO_TEST_CASE(an_invalid_line_is_skipped) {
  for (const std::string text :
       {"", "\n", "1795341600 bastion", "1795341600\n", "1795341600 \n", "bastion 1795341600\n", "-1 bastion\n",
        "99999999999999999999 bastion\n", "1795341600 bastion x\n", "1795341600 bastion\x1b[2J\n"})
    BOOST_TEST(parse_known_crowds(text).empty(), text);
  BOOST_TEST(parse_known_crowds("1795341600 " + std::string(513, 'b') + "\n").empty());
}

BOOST_AUTO_TEST_CASE(a_long_file_is_bounded) {
  std::string text;
  for (int line = 0; line < 40; ++line) text += "1795341600 bastion\n";
  BOOST_TEST(parse_known_crowds(text).size() == 16U);
  while (text.size() <= 16 * 1024) text += text;
  BOOST_TEST(parse_known_crowds(text).empty());
}

BOOST_AUTO_TEST_CASE(a_bastion_keeps_its_last_drop) {
  const test::ScratchDirectory home;
  const test::HostAtHome host(home.path());
  const auto where = paths(Scope::user, *host).value();
  const auto name = TunnelName::parse("lab").value();
  BOOST_REQUIRE(host->make_directories(where.state, 0700));
  BOOST_TEST(read_known_crowds(*host, where, name).empty());
  BOOST_TEST(keep_known_crowd(*host, where, name, "first", k_when).has_value());
  BOOST_TEST(keep_known_crowd(*host, where, name, "second", k_when).has_value());
  BOOST_TEST(keep_known_crowd(*host, where, name, "first", k_when + std::chrono::hours(1)).has_value());
  BOOST_TEST((read_known_crowds(*host, where, name) ==
              KnownCrowds{{"first", k_when + std::chrono::hours(1)}, {"second", k_when}}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
