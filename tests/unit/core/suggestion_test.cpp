// "did you mean": similar names are suggested, others are not.
#include "core/suggestion.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace holdfast;

namespace {
const std::vector<std::string> k_known{"setup", "status", "stop", "start"};
}

BOOST_AUTO_TEST_SUITE(suggestions)

BOOST_AUTO_TEST_CASE(swapped_neighbours_are_one_edit) {
  BOOST_TEST(edit_distance("status", "status") == 0U);
  BOOST_TEST(edit_distance("statsu", "status") == 1U);
  BOOST_TEST(edit_distance("", "abc") == 3U);
  BOOST_TEST(edit_distance("kitten", "sitting") == 3U);
}

BOOST_AUTO_TEST_CASE(suggests_similar_names_only) {
  BOOST_TEST(nearest("statsu", k_known).value() == "status");
  BOOST_TEST(nearest("stpo", k_known).value() == "stop");
  BOOST_TEST(!nearest("install", k_known));
  BOOST_TEST(!nearest("", k_known));
  BOOST_TEST(!nearest(std::string(100000, 'a'), k_known));
}

BOOST_AUTO_TEST_CASE(falls_back_to_another_hint) {
  BOOST_TEST(suggestion("statsu", k_known, "holdfast ", "see help") == "did you mean holdfast status");
  BOOST_TEST(suggestion("install", k_known, "holdfast ", "see help") == "see help");
}

BOOST_AUTO_TEST_SUITE_END()
