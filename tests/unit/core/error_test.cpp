#include "core/error.hpp"
#include "core/result.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <stdexcept>
#include <string>

using namespace holdfast;

namespace {

Result<int> half_of(int number) {
  if (number % 2 != 0) return Error{"halving", std::to_string(number), "it is odd"};
  return number / 2;
}

Result<std::string> quarter_of(int number) {
  HOLDFAST_TRY(const int half, half_of(number));
  HOLDFAST_TRY(const int quarter, half_of(half));
  return std::to_string(quarter);
}

Result<> check_both(int first, int second) {
  HOLDFAST_CHECK(half_of(first));
  HOLDFAST_CHECK(half_of(second));
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(a_line_omits_empty_parts_with_their_punctuation) {
  BOOST_TEST((Error{"reading", "/x", "it is a directory"}.line()) == "reading /x: it is a directory");
  BOOST_TEST((Error{"starting", "", "no ssh"}.line()) == "starting: no ssh");
  BOOST_TEST((Error{"", "/x", "no ssh"}.line()) == "/x: no ssh");
  BOOST_TEST((Error{"", "", "no ssh"}.line()) == "no ssh");
  BOOST_TEST((Error{"stopping", "2222", ""}.line()) == "stopping 2222");
}

BOOST_AUTO_TEST_CASE(control_bytes_in_an_error_line_are_escaped) {
  const Error error{"reading", "/x\nholdfast: all is well", "\x1b]0;title\x07"};
  BOOST_TEST(error.line() == "reading /x\\nholdfast: all is well: \\x1b]0;title\\x07");
}

BOOST_AUTO_TEST_CASE(a_usage_error_has_exit_status_2) {
  BOOST_TEST((usage_error("port \"0\"", "it is not a port").status == ExitStatus::usage));
  BOOST_TEST(usage_error("port \"0\"", "it is not a port").line() == "reading port \"0\": it is not a port");
  BOOST_TEST((Error{"reading", "/x", "no"}.status == ExitStatus::failed));
}

BOOST_AUTO_TEST_CASE(errno_values_become_lower_case_text) {
  BOOST_TEST(errno_text(EACCES) == "permission denied");
  BOOST_TEST(errno_error("writing", "/x", EROFS).line() == "writing /x: read-only file system");
  BOOST_TEST(errno_error("writing", "/x", EACCES).hint.empty());
  // For a full disk the remedy is always the same.
  BOOST_TEST(!errno_error("writing", "/x", ENOSPC).hint.empty());
  BOOST_TEST(!errno_error("writing", "/x", EDQUOT).hint.empty());
}

BOOST_AUTO_TEST_CASE(the_first_error_is_returned_unchanged) {
  BOOST_TEST(*quarter_of(8) == "2");
  BOOST_TEST(quarter_of(3).error().line() == "halving 3: it is odd");
  BOOST_TEST(quarter_of(6).error().line() == "halving 3: it is odd");
  BOOST_TEST(!!check_both(2, 4));
  BOOST_TEST(check_both(2, 5).error().subject == "5");
  BOOST_TEST(check_both(7, 5).error().subject == "7");
}

// As an aggregate, Error could be initialized into a std::string by its first field.
BOOST_AUTO_TEST_CASE(an_error_is_not_taken_for_a_string_value) {
  const Result<std::string> result = Error{"a", "b", "c"};
  BOOST_TEST(!result);
}

BOOST_AUTO_TEST_CASE(an_unchecked_error_throws_with_its_text) {
  BOOST_CHECK_EXCEPTION((void)half_of(1).value(), std::logic_error, [](const std::logic_error& bug) {
    return std::string(bug.what()).find("halving 1: it is odd") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
