#include "ssh/server/key_files.hpp"

#include "os/posix_host.hpp"
#include "scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <fstream>

using namespace holdfast;
using namespace holdfast::ssh;

namespace {

struct Files {
  ScratchDirectory directory;
  std::unique_ptr<os::Host> host = os::make_posix_host();
  fs::path keys = directory.path() / "keys/authorized_keys";

  Files() {
    fs::create_directory(keys.parent_path());
    set_mode(keys.parent_path(), 0700);
    std::ofstream(keys.native()) << "ssh-ed25519 AAAA\n";
    set_mode(keys, 0600);
  }
  static void set_mode(const fs::path& path, mode_t mode) { BOOST_REQUIRE(::chmod(path.c_str(), mode) == 0); }
  [[nodiscard]] Result<KeyFileCheck> check(const fs::path& home = "/nonexistent") const {
    return check_authorized_keys(keys, home, *host);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(public_key_files, Files)

BOOST_AUTO_TEST_CASE(a_file_below_a_sticky_directory_is_accepted_without_strict_modes) {
  set_mode(directory.path(), 01777);
  const auto checked = check();
  BOOST_REQUIRE(checked);
  BOOST_TEST(!checked->strict_modes);
}

BOOST_AUTO_TEST_CASE(directories_above_the_home_do_not_count) {
  set_mode(directory.path(), 0777);
  BOOST_TEST(!check());
  const auto checked = check(keys.parent_path());
  BOOST_REQUIRE(checked);
  BOOST_TEST(checked->strict_modes);
}

BOOST_AUTO_TEST_CASE(a_file_that_others_can_write_to_is_refused) {
  set_mode(keys, 0620);
  const auto checked = check();
  BOOST_REQUIRE(!checked);
  BOOST_TEST(checked.error().cause == "other users can write to it");
}

BOOST_AUTO_TEST_CASE(a_directory_that_others_can_write_to_is_refused) {
  set_mode(keys.parent_path(), 0770);
  const auto checked = check();
  BOOST_REQUIRE(!checked);
  BOOST_TEST(checked.error().hint.find("chmod go-w") == 0U);
}

BOOST_AUTO_TEST_CASE(the_target_of_a_link_counts) {
  const auto link = directory.path() / "link";
  fs::create_symlink(keys, link);
  BOOST_TEST(check_authorized_keys(link, "/", *host).has_value());
  set_mode(keys, 0666);
  BOOST_TEST(!check_authorized_keys(link, "/", *host));
}

BOOST_AUTO_TEST_CASE(a_missing_file_and_a_directory_are_refused) {
  BOOST_TEST(!check_authorized_keys(directory.path() / "none", "/", *host));
  BOOST_TEST(!check_authorized_keys(directory.path(), "/", *host));
}

BOOST_AUTO_TEST_SUITE_END()
