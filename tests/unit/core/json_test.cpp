#include "core/json.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

using namespace holdfast;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(json_helpers)

BOOST_AUTO_TEST_CASE(text_with_any_bytes_becomes_valid_json) {
  BOOST_TEST(json::serialize(json_text("a\x1b[2J\xff\nb")) == R"("a\\x1b[2J\\xff\\nb")");
  BOOST_TEST(json::serialize(json_lines("a\x1b\nb")) == R"("a\\x1b\nb")");
  BOOST_TEST(text_or_null(std::string()).is_null());
  BOOST_TEST(text_or_null(std::optional<std::string>()).is_null());
  BOOST_TEST(or_null(std::optional(7)).as_int64() == 7);
}

BOOST_AUTO_TEST_CASE(a_member_of_another_type_is_missing) {
  const auto object = parse_json_object(R"({"t":"x","n":7,"minus":-1,"r":1.5,"f":true,"a":["x",1],"o":{}})").value();
  BOOST_TEST(text_member(object, "t").value() == "x");
  BOOST_TEST(!text_member(object, "n").has_value());
  BOOST_TEST(!text_member(object, "absent").has_value());
  BOOST_TEST(number_member(object, "n", 7).value() == 7U);
  for (const char* name : {"minus", "r", "t"}) BOOST_TEST(!number_member(object, name, 100).has_value());
  BOOST_TEST(!number_member(object, "n", 6).has_value());
  BOOST_TEST(real_member(object, "r").value() == 1.5);
  BOOST_TEST(real_member(object, "n").value() == 7.0);
  BOOST_TEST(flag_member(object, "f").value());
  BOOST_TEST(!flag_member(object, "n").has_value());
  BOOST_TEST(!texts_member(object, "a").has_value());
  BOOST_TEST((object_member(object, "o") != nullptr && object_member(object, "a") == nullptr));
}

BOOST_AUTO_TEST_CASE(json_beyond_its_limits_is_refused) {
  BOOST_TEST(!parse_json_object("[]").has_value());
  BOOST_TEST(!parse_json_object("{} {}").has_value());
  BOOST_TEST(!parse_json_object(R"({"a":{"b":{}}})", {.max_depth = 2}).has_value());
  BOOST_TEST(!parse_json_object("{\"a\":\"\xff\"}").has_value());
  BOOST_TEST(parse_json_object("{\"a\":\"\xff\"}", {.any_bytes = true}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
