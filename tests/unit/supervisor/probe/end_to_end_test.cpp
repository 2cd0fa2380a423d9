#include "supervisor/probe/end_to_end.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(end_to_end)

BOOST_AUTO_TEST_CASE(tells_a_prohibited_probe_from_a_free_port) {
  BOOST_TEST((classify_open_failure("channel 2: open failed: administratively prohibited: open failed\n") ==
              OpenFailure::prohibited));
  BOOST_TEST((classify_open_failure("channel 2: open failed: connect failed: Connection refused\n") ==
              OpenFailure::nobody_listens));
  BOOST_TEST((classify_open_failure("") == OpenFailure::other));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
