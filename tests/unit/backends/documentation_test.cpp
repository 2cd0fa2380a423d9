// docs/backends.md shows measured results for every backend of this build, and for no other.
#include "backends/backend.hpp"
#include "core/text.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

using namespace holdfast;

namespace {

std::string measured_table() {
  std::ifstream file(BACKENDS_PAGE);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto begin = text.find("<!-- matrix: ");
  const auto end = text.find("<!-- end of matrix -->");
  BOOST_REQUIRE(begin != std::string::npos);
  BOOST_REQUIRE(end != std::string::npos);
  return text.substr(begin, end - begin);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(documentation)

BOOST_AUTO_TEST_CASE(the_measured_table_has_a_row_for_every_backend) {
  std::set<std::string> known;
  for (const auto* backend : backends::all_backends()) known.emplace(backend->name());
  std::set<std::string> shown;
  for (const auto& line : split(measured_table(), '\n'))
    if (line.starts_with("| `")) shown.insert(line.substr(3, line.find('`', 3) - 3));
  BOOST_TEST(shown == known, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
