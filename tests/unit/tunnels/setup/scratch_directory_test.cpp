// Two preflights at the same time never share a scratch directory.
#include "tunnels/setup/scratch_directory.hpp"

#include "os/posix_host.hpp"
#include "scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <thread>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(scratch_directory)

BOOST_AUTO_TEST_CASE(two_threads_get_separate_directories) {
  const ScratchDirectory parent;
  const auto host = os::make_posix_host();
  auto one = tunnels::ScratchDirectory::make(parent.path(), host->user(), *host);
  BOOST_REQUIRE(one);
  BOOST_REQUIRE(host->write_file(one->path() / "kept", "x", 0600));
  bool made = false;
  std::thread([&] { made = tunnels::ScratchDirectory::make(parent.path(), host->user(), *host).has_value(); }).join();
  BOOST_TEST(made);
  BOOST_TEST((host->status(one->path() / "kept").kind == os::FileKind::regular));
}

BOOST_AUTO_TEST_SUITE_END()
