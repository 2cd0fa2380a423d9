#include "core/text.hpp"
#include "core/error.hpp"
#include "core/failure.hpp"
#include "core/survives.hpp"
#include "core/timestamp.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(what_a_server_sends_cannot_drive_the_terminal) {
  BOOST_TEST(printable("\x1b[2Jgone") == "\\x1b[2Jgone");
  BOOST_TEST(printable("a\nb\tc\r") == "a\\nb\\tc\\x0d");
  BOOST_TEST(printable("\xc2\x9b"
                       "31m") == "\\xc2\\x9b31m");  // C1 CSI
  BOOST_TEST(printable("\xe2\x80\xae"
                       "abc") == "\\xe2\\x80\\xaeabc");  // right-to-left override
  BOOST_TEST(printable("gr\xc3\xbc\xc3\x9f"
                       "e \xe2\x9c\x93") ==
             "gr\xc3\xbc\xc3\x9f"
             "e \xe2\x9c\x93");
  BOOST_TEST(printable("\xff\xc3") == "\\xff\\xc3");
}

BOOST_AUTO_TEST_CASE(numbers_are_whole_and_in_range) {
  BOOST_TEST(*parse_number("65535", 1, 65535) == 65535u);
  for (const char* bad : {"", "0", "65536", "1x", "+1", "-1", " 1", "1 ", "99999999999999999999"})
    BOOST_TEST(!parse_number(bad, 1, 65535), bad);
}

BOOST_AUTO_TEST_CASE(an_error_reads_as_one_line) {
  const Error error{"reading", "/x/y.conf", "line 3\nhas more", "", ExitStatus::failed};
  BOOST_TEST(error.line() == "reading /x/y.conf: line 3\\nhas more");
}

BOOST_AUTO_TEST_CASE(a_time_reads_back) {
  const auto time = from_rfc3339("2026-11-22T10:00:05Z");
  BOOST_REQUIRE(time);
  BOOST_TEST(to_rfc3339(*time) == "2026-11-22T10:00:05Z");
  for (const char* bad :
       {"", "2026-13-22T10:00:05Z", "2026-02-30T10:00:05Z", "2026-11-22 10:00:05Z", "2026-11-22T10:00:05"})
    BOOST_TEST(!from_rfc3339(bad), bad);
  BOOST_TEST(to_words(std::chrono::hours(2) + std::chrono::minutes(5)) == "2 h 5 min");
}

BOOST_AUTO_TEST_CASE(classes_and_survival_have_the_promised_words) {
  BOOST_TEST(to_text(FailureClass::host_key_changed) == "host-key-changed");
  BOOST_TEST((failure_class_from("forward-busy") == FailureClass::forward_busy));
  BOOST_TEST((Survival{Survival::Kind::within, std::chrono::seconds(60)}.text()) == "within:60s");
  BOOST_TEST(Survival{Survival::Kind::at_login}.text() == "at-login");
}

BOOST_AUTO_TEST_SUITE_END()
