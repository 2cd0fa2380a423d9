#include "core/timestamp.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(timestamp)

// Other programs read the times of `status --json` and of the history.
BOOST_AUTO_TEST_CASE(a_time_is_written_in_utc_and_rounded_down) {
  BOOST_TEST(to_rfc3339(WallTime{}) == "1970-01-01T00:00:00Z");
  BOOST_TEST(to_rfc3339(WallTime{1795341605999ms}) == "2026-11-22T10:00:05Z");  // never rounded into the future
  BOOST_TEST(to_rfc3339(WallTime{std::chrono::sys_days(std::chrono::year(2028) / 2 / 29)} + 23h + 59min + 59s) ==
             "2028-02-29T23:59:59Z");
}

BOOST_DATA_TEST_CASE(a_written_time_is_read_back, data::make({"1970-01-01T00:00:00Z", "2000-02-29T12:30:45Z",
                                                              "2026-11-22T10:00:05Z", "9999-12-31T23:59:59Z"})) {
  const auto time = from_rfc3339(sample);
  BOOST_REQUIRE(time.has_value());
  BOOST_TEST(to_rfc3339(*time) == sample);
}

// A torn or edited history line must not be read as another time.
BOOST_DATA_TEST_CASE(an_invalid_time_is_not_read,
                     data::make({"", "2026-13-22T10:00:05Z", "2026-00-22T10:00:05Z", "2026-02-30T10:00:05Z",
                                 "2027-02-29T10:00:05Z", "2026-11-22T24:00:05Z", "2026-11-22T10:60:05Z",
                                 "2026-11-22T10:00:61Z", "2026-11-22 10:00:05Z", "2026-11-22T10:00:05",
                                 "2026-11-22T10:00:05z", "2026-11-22T10:00:05.5Z", "2026-11-22T10:00:05+01:00",
                                 "+026-11-22T10:00:05Z", "1969-12-31T23:59:59Z", " 026-11-22T10:00:05Z"})) {
  BOOST_TEST(!from_rfc3339(sample));
}

BOOST_AUTO_TEST_CASE(a_duration_is_written_for_people) {
  const std::vector<std::pair<std::chrono::seconds, std::string>> k_spans{{-5s, "0 s"},
                                                                          {0s, "0 s"},
                                                                          {59s, "59 s"},
                                                                          {60s, "1 min"},
                                                                          {3599s, "59 min"},
                                                                          {3600s, "1 h"},
                                                                          {2h + 5min, "2 h 5 min"},
                                                                          {47h + 59min, "47 h 59 min"},
                                                                          {48h, "2 days"},
                                                                          {std::chrono::hours(24 * 9 + 23), "9 days"}};
  for (const auto& [span, text] : k_spans) BOOST_TEST(duration_text(span) == text);
}

BOOST_AUTO_TEST_SUITE_END()
