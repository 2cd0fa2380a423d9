#include "os/directories.hpp"
#include "os/file_lock.hpp"
#include "os/posix_host.hpp"
#include "os/replace_file.hpp"
#include "scratch_directory.hpp"

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

using namespace holdfast;
using namespace holdfast::os;

namespace {

struct Machine {
  std::unique_ptr<Host> host = make_posix_host();
  ScratchDirectory scratch_directory;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(files, Machine)

BOOST_AUTO_TEST_CASE(a_file_is_replaced_without_leftovers) {
  const auto file = scratch_directory / "a";
  BOOST_REQUIRE(host->write_file(file, "one", 0600));
  BOOST_REQUIRE(host->write_file(file, "two", 0644));
  BOOST_TEST(*host->read_file(file) == "two");
  BOOST_TEST(host->status(file).mode == 0644u);
  BOOST_TEST(host->list(scratch_directory.path()).size() == 1u);  // no temporary left
}

BOOST_AUTO_TEST_CASE(concurrent_writes_of_one_file_never_mix) {
  const auto file = scratch_directory / "a";
  const std::string one(200'000, '1');
  const std::string other(100'000, '2');
  BOOST_REQUIRE(host->write_file(file, one, 0600));
  std::atomic<int> failed{0};
  const auto write_often = [&](const std::string& bytes) {
    for (int i = 0; i < 300; ++i)
      if (!host->write_volatile_file(file, bytes, 0600)) ++failed;
  };
  std::thread writes_one([&] { write_often(one); });
  std::thread writes_other([&] { write_often(other); });
  int torn = 0;
  for (int i = 0; i < 300; ++i) {
    const auto now = host->read_file(file);
    if (!now || (*now != one && *now != other)) ++torn;
  }
  writes_one.join();
  writes_other.join();
  BOOST_TEST(failed == 0);
  BOOST_TEST(torn == 0);
  BOOST_TEST(host->list(scratch_directory.path()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_volatile_file_is_overwritten_where_it_cannot_be_replaced) {
  const auto file =
      scratch_directory / std::string(250, 'a').c_str();  // the name of its temporary file would be too long
  BOOST_TEST(!host->write_volatile_file(file, "new", 0600));
  std::ofstream(file.string()) << "a longer text";
  BOOST_REQUIRE(host->write_volatile_file(file, "short", 0600));
  BOOST_TEST(*host->read_file(file) == "short");
  BOOST_REQUIRE(host->write_volatile_file(file, std::string(100'000, 'x'), 0600));
  BOOST_TEST(host->read_file(file)->size() == 100'000u);
  BOOST_TEST(!host->write_file(file, "durable", 0600));
}

BOOST_AUTO_TEST_CASE(a_failed_write_changes_nothing) {
  const auto file = scratch_directory / "missing/a";
  const auto written = host->write_file(file, "x", 0600);
  BOOST_REQUIRE(!written);
  BOOST_TEST(written.error().line().find("no such file") != std::string::npos);
  BOOST_TEST(host->list(scratch_directory.path()).empty());
}

BOOST_AUTO_TEST_CASE(a_file_changed_meanwhile_is_not_replaced) {
  const auto file = scratch_directory / "a";
  BOOST_REQUIRE(host->write_file(file, "theirs", 0640));
  BOOST_TEST(!replace_file(file, "one", "two", 0600).value());
  BOOST_TEST(!replace_file(file, "their", "two", 0600).value());
  BOOST_TEST(!replace_file(file, {}, "two", 0600).value());
  BOOST_TEST(*host->read_file(file) == "theirs");
  BOOST_TEST(replace_file(file, "theirs", "two", 0600).value());
  BOOST_TEST(*host->read_file(file) == "two");
  BOOST_TEST(host->status(file).mode == 0640u);  // an existing file keeps its mode
  BOOST_TEST(replace_file(scratch_directory / "b", {}, "new", 0644).value());
  BOOST_TEST(host->status(scratch_directory / "b").mode == 0644u);
  BOOST_TEST(host->list(scratch_directory.path()).size() == 2u);  // no temporary left
}

BOOST_AUTO_TEST_CASE(links_are_resolved_and_dangling_ones_refused) {
  const auto file = scratch_directory / "a";
  BOOST_REQUIRE(host->write_file(file, "x", 0600));
  fs::create_symlink("a", scratch_directory / "b");
  fs::create_symlink("b", scratch_directory / "c");
  fs::create_symlink("nothing", scratch_directory / "d");
  fs::create_symlink("e", scratch_directory / "e");
  BOOST_TEST(resolve_links(scratch_directory / "c").value() == resolve_links(file).value());
  BOOST_TEST(!resolve_links(scratch_directory / "d").has_value());
  BOOST_TEST(!resolve_links(scratch_directory / "e").has_value());
}

BOOST_AUTO_TEST_CASE(large_and_irregular_files_are_not_read) {
  BOOST_REQUIRE(host->write_file(scratch_directory / "big", std::string(100, 'x'), 0600));
  BOOST_TEST(!host->read_file(scratch_directory / "big", 99));
  BOOST_TEST(!!host->read_file(scratch_directory / "big", 100));
  BOOST_TEST(!host->read_file(scratch_directory.path()));
  BOOST_REQUIRE(::mkfifo((scratch_directory / "fifo").c_str(), 0600) == 0);
  BOOST_TEST(!host->read_file(scratch_directory / "fifo"));  // and does not hang
}

BOOST_AUTO_TEST_CASE(created_directories_are_reported) {
  const auto made = host->make_directories(scratch_directory / "a/b/c", 0700);
  BOOST_REQUIRE(made);
  BOOST_REQUIRE(made->size() == 3u);
  BOOST_TEST((*made)[0] == scratch_directory / "a");
  BOOST_TEST(host->make_directories(scratch_directory / "a/b/c", 0700)->empty());
  BOOST_REQUIRE(host->write_file(scratch_directory / "file", "x", 0600));
  BOOST_TEST(!host->make_directories(scratch_directory / "file/d", 0700));
  BOOST_TEST(!host->remove_empty_directory(scratch_directory / "a"));
  BOOST_TEST(!!host->remove_empty_directory(scratch_directory / "a/b/c"));
}

BOOST_AUTO_TEST_CASE(a_private_directory_is_ours_and_has_mode_0700) {
  const auto directory = scratch_directory / "run";
  BOOST_REQUIRE(claim_private_directory(directory, ::geteuid()));
  BOOST_TEST(host->status(directory).mode == 0700u);
  BOOST_REQUIRE(::chmod(directory.c_str(), 0777) == 0);
  BOOST_REQUIRE(claim_private_directory(directory, ::geteuid()));
  BOOST_TEST(host->status(directory).mode == 0700u);
  boost::filesystem::create_symlink(directory, scratch_directory / "link");
  const auto link = claim_private_directory(scratch_directory / "link", ::geteuid());
  BOOST_REQUIRE(!link);
  BOOST_TEST(link.error().cause.find("symlink") != std::string::npos);
  BOOST_TEST(!claim_private_directory(directory, ::geteuid() + 1));
}

BOOST_AUTO_TEST_CASE(a_lock_has_one_holder_at_a_time) {
  const auto path = scratch_directory / "lock";
  BOOST_TEST(!is_locked(path));
  {
    auto first = FileLock::try_take(path);
    BOOST_REQUIRE(first);
    BOOST_REQUIRE(first->has_value());
    BOOST_TEST(is_locked(path));
    const auto second = FileLock::try_take(path);
    BOOST_REQUIRE(second);
    BOOST_TEST(!second->has_value());
  }
  BOOST_TEST(!is_locked(path));
  boost::filesystem::create_symlink(path, scratch_directory / "link");
  BOOST_TEST(!FileLock::try_take(scratch_directory / "link"));
}

// root checks locks in directories that belong to other users.
BOOST_AUTO_TEST_CASE(checking_a_lock_does_not_block_on_a_fifo) {
  BOOST_REQUIRE(::mkfifo((scratch_directory / "lock").c_str(), 0600) == 0);
  BOOST_TEST(!is_locked(scratch_directory / "lock"));
}

// A supervisor that starts while `status` checks its lock must not conclude that another one is running.
BOOST_AUTO_TEST_CASE(checking_a_lock_does_not_prevent_taking_it) {
  const auto path = scratch_directory / "lock";
  std::atomic<bool> over = false;
  std::thread checker([&] {
    while (!over) (void)host->is_locked(path);
  });
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto lock = FileLock::try_take(path);
    if (!lock || !*lock) ++refused;
  }
  over = true;
  checker.join();
  BOOST_TEST(refused == 0);
}

// On a busy machine the scheduler may suspend a check while it holds the shared lock.
BOOST_AUTO_TEST_CASE(taking_a_lock_waits_for_a_slow_check) {
  const auto path = scratch_directory / "lock";
  BOOST_REQUIRE(FileLock::try_take(path));
  const int shared = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  BOOST_REQUIRE(shared >= 0);
  BOOST_REQUIRE(::flock(shared, LOCK_SH | LOCK_NB) == 0);
  std::thread checker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::close(shared);
  });
  const auto lock = FileLock::try_take(path);
  checker.join();
  BOOST_REQUIRE(lock);
  BOOST_TEST(lock->has_value());
}

BOOST_AUTO_TEST_SUITE_END()
