#include "core/duration.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using std::chrono::seconds;

BOOST_AUTO_TEST_SUITE(durations)

BOOST_AUTO_TEST_CASE(a_number_has_a_unit_or_is_seconds) {
  BOOST_TEST((parse_duration("20s") == seconds(20)));
  BOOST_TEST((parse_duration("20") == seconds(20)));
  BOOST_TEST((parse_duration("0") == seconds(0)));
  BOOST_TEST((parse_duration("5m") == seconds(300)));
  BOOST_TEST((parse_duration("24h") == seconds(86400)));
}

BOOST_AUTO_TEST_CASE(other_texts_have_no_value) {
  for (const char* text : {"", "s", "m", "-1", "1.5s", "20 s", "s20", "20sm", "20ss", "20ms", "1d", "25h", "86401",
                           "1441m", "99999999999s", "20s\n"})
    BOOST_TEST(!parse_duration(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
