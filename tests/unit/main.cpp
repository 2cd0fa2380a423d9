// The main() of every C++ test program. It removes the caller's environment first, so that a program run by hand, in a
// container or under a service manager behaves the same.
#define BOOST_TEST_MODULE holdfast
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace {

// Names and prefixes that stay: what programs need to run at all, and the settings of the tests and their tools.
constexpr std::array<std::string_view, 10> k_kept{
    "PATH",         "HOME",         "TMPDIR",        "HOLDFAST_EVENTS", "HOLDFAST_SOAK_DAYS", "HOLDFAST_SOAK_SEED",
    "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH"};
constexpr std::string_view k_kept_prefix = "BOOST_TEST_";

bool is_kept(std::string_view name) {
  return name.starts_with(k_kept_prefix) || std::find(k_kept.begin(), k_kept.end(), name) != k_kept.end();
}

std::vector<std::string> variables() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

void clear_environment() {
  for (const std::string& name : variables()) {
    if (!is_kept(name)) ::unsetenv(name.c_str());
  }
  ::setenv("LANG", "C.UTF-8", 1);
}

}  // namespace

// CTest sets NOTIFY_SOCKET and many more (tests/CMakeLists.txt), so this fails when main() does not clear them.
BOOST_AUTO_TEST_CASE(no_variable_of_the_caller_reaches_a_test) {
  for (const std::string& name : variables()) BOOST_TEST((is_kept(name) || name == "LANG"), name);
  BOOST_TEST(std::string(std::getenv("LANG")) == "C.UTF-8");
}

int main(int argc, char* argv[]) {
  clear_environment();
  return boost::unit_test::unit_test_main(&init_unit_test, argc, argv);
}
