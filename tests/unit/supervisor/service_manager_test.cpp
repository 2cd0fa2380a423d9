#include "supervisor/service_manager.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(service_manager)

BOOST_AUTO_TEST_CASE(a_status_line_cannot_add_an_assignment) {
  BOOST_TEST(status_assignment("up\nMAINPID=1") == "STATUS=up\\nMAINPID=1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
