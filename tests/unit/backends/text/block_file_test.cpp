// Edits of a user's start-up file: they are reversible to the byte, and unsafe files are refused.
#include "backends/text/block_file.hpp"

#include "backends/plan/apply.hpp"
#include "backends/text/marked_block.hpp"
#include "os/posix_host.hpp"
#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

using namespace holdfast;
using namespace holdfast::backends;
using holdfast::test::read;
using holdfast::test::ScratchDirectory;

namespace {

const std::string k_label = "login hook";
const std::string k_lines = "true\n";

struct Home {
  ScratchDirectory scratch_directory;
  std::unique_ptr<os::Host> host = os::make_posix_host();
  fs::path rc = scratch_directory / ".rc";

  static void put(const fs::path& file, const std::string& bytes) {
    std::ofstream(file.string(), std::ios::binary) << bytes;
  }
  EditBlock add() const { return {rc, k_label, k_lines}; }
  EditBlock remove() const { return {rc, k_label, {}}; }
  std::string cause(const EditBlock& step) const {
    const auto done = edit_block(step, *host);
    return done ? (*done ? "done" : "nothing to do") : done.error().cause;
  }
  std::string hint(const EditBlock& step) const {
    const auto done = edit_block(step, *host);
    return done ? "" : done.error().hint;
  }
  std::size_t files() const { return host->list(scratch_directory.path()).size(); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(block_file, Home)

BOOST_AUTO_TEST_CASE(all_other_bytes_stay_through_add_and_remove) {
  for (const std::string& text :
       {std::string("export A=1\n"), std::string(), std::string("no end"), std::string("a\r\nb\r\n"),
        std::string("a\r\nb"), std::string("\n\n\n"), std::string("a\0b\xff\n", 5), std::string("# it's \\\\\n"),
        std::string("# >>> holdfast 2222 >>>\nx\n# <<< holdfast 2222 <<<\n"), std::string(100'000, '\n')}) {
    put(rc, text);
    ::chmod(rc.c_str(), 0640);
    BOOST_TEST(cause(add()) == "done");
    BOOST_TEST(is_in_place(add(), *host));
    BOOST_TEST(read(rc).starts_with(text));
    BOOST_TEST(read_block(rc, k_label, *host).value().value() == k_lines);
    BOOST_TEST(cause(add()) == "nothing to do");
    BOOST_TEST(host->status(rc).mode == 0640u);
    BOOST_TEST(cause(remove()) == "done");
    BOOST_TEST((read(rc) == text));
    BOOST_TEST(host->status(rc).mode == 0640u);
    BOOST_TEST(cause(remove()) == "nothing to do");
  }
  BOOST_TEST(files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_created_file_and_its_directories_are_removed) {
  rc = scratch_directory / "a/b/c/hook.fish";
  BOOST_TEST(cause(remove()) == "nothing to do");
  BOOST_TEST(cause(add()) == "done");
  BOOST_TEST(host->status(scratch_directory / "a").mode == 0700u);
  BOOST_TEST(cause(EditBlock{rc, k_label, "other\n"}) == "done");
  BOOST_TEST(cause(remove()) == "done");
  BOOST_TEST(files() == 0u);
}

BOOST_AUTO_TEST_CASE(files_and_lines_added_meanwhile_stay) {
  rc = scratch_directory / "a/b/hook.fish";
  BOOST_TEST(cause(add()) == "done");
  put(rc, read(rc) + "mine\n");
  put(scratch_directory / "a/other", "");
  BOOST_TEST(cause(remove()) == "done");
  BOOST_TEST(read(rc) == "mine\n");
  fs::remove(rc);
  fs::remove(scratch_directory / "a/b");
  BOOST_TEST(cause(add()) == "done");
  BOOST_TEST(cause(remove()) == "done");
  BOOST_TEST(fs::exists(scratch_directory / "a/other"));
  BOOST_TEST(!fs::exists(scratch_directory / "a/b"));
}

BOOST_AUTO_TEST_CASE(a_link_of_a_dotfile_manager_is_followed_and_stays) {
  fs::create_directory(scratch_directory / "dotfiles");
  put(scratch_directory / "dotfiles/rc", "theirs\n");
  fs::create_symlink("dotfiles/rc", rc);
  BOOST_TEST(cause(add()) == "done");
  BOOST_TEST(fs::is_symlink(rc));
  BOOST_TEST(read(scratch_directory / "dotfiles/rc") == with_block("theirs\n", k_label, k_lines));
  BOOST_TEST(cause(remove()) == "done");
  BOOST_TEST(fs::is_symlink(rc));
  BOOST_TEST(read(scratch_directory / "dotfiles/rc") == "theirs\n");
  BOOST_TEST(host->list(scratch_directory / "dotfiles").size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_unsafe_link_is_refused) {
  const auto refused = [&](const fs::path& target, const std::string& why) {
    fs::remove(rc);
    fs::create_symlink(target, rc);
    BOOST_TEST(cause(add()).find(why) != std::string::npos, target << ": " << cause(add()));
    BOOST_TEST(fs::is_symlink(rc));
  };
  refused("nowhere", "dangling");
  refused(rc, "dangling");
  refused("/dev/null", "it is a symbolic link to /dev/null");
  fs::create_directory(scratch_directory / "directory");
  refused("directory", "not a regular file");
  BOOST_REQUIRE(::mkfifo((scratch_directory / "fifo").c_str(), 0600) == 0);
  refused("fifo", "not a regular file");
  fs::create_directory(scratch_directory / "open");
  put(scratch_directory / "open/rc", "x\n");
  ::chmod((scratch_directory / "open").c_str(), 0777);
  refused("open/rc", "that others can write");
  BOOST_TEST(read(scratch_directory / "open/rc") == "x\n");
}

BOOST_AUTO_TEST_CASE(an_irregular_file_is_refused) {
  fs::create_directory(rc);
  BOOST_TEST(cause(add()) == "it is a directory");
  fs::remove(rc);
  BOOST_REQUIRE(::mkfifo(rc.c_str(), 0600) == 0);
  BOOST_TEST(cause(add()) == "it is not a regular file");
}

BOOST_AUTO_TEST_CASE(a_read_only_file_is_refused) {
  put(rc, "x\n");
  ::chmod(rc.c_str(), 0444);
  BOOST_TEST(cause(add()) == "it is read-only");
  BOOST_TEST(hint(add()) == "chmod u+w " + rc.string());
  BOOST_TEST(read(rc) == "x\n");
}

BOOST_AUTO_TEST_CASE(a_marker_without_its_counterpart_is_refused) {
  const auto half = "a\n# >>> holdfast login hook >>>\nrm -rf x\n";
  put(rc, half);
  for (const auto& step : {add(), remove()}) {
    BOOST_TEST(cause(step) == "line 2 is a holdfast marker without its counterpart");
    BOOST_TEST(read(rc) == half);
  }
}

BOOST_AUTO_TEST_CASE(a_last_line_with_a_backslash_is_refused) {
  for (const char* text : {"export A=\\\n", "export A=\\", "\\", "a\\\\\\\n"}) {
    put(rc, text);
    BOOST_TEST(cause(add()).starts_with("its last line ends in a backslash"), text);
    BOOST_TEST(read(rc) == text);
  }
}

BOOST_AUTO_TEST_CASE(a_very_large_file_is_refused) {
  put(rc, "");
  BOOST_REQUIRE(::truncate(rc.c_str(), 100 << 20) == 0);
  BOOST_TEST(cause(add()).starts_with("it is larger than"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_file_unchanged) {
  const std::string text(20'000, 'x');
  put(rc, text + "\n");
  rlimit previous{};
  ::getrlimit(RLIMIT_FSIZE, &previous);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{8192, previous.rlim_max};  // write(2) fails, as it does on a full disk
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto result = cause(add());
  ::setrlimit(RLIMIT_FSIZE, &previous);
  ::signal(SIGXFSZ, SIG_DFL);
  BOOST_TEST(result == "file too large");
  BOOST_TEST((read(rc) == text + "\n"));
  BOOST_TEST(files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_failed_plan_restores_the_file) {
  const Run failing{os::Command{{"ls", "/nonexistent/holdfast"}, {}, {}}};
  put(rc, "theirs");
  BOOST_TEST(!apply({add(), failing}, *host));
  BOOST_TEST(read(rc) == "theirs");
  BOOST_REQUIRE(edit_block(add(), *host));
  const auto with = read(rc);
  BOOST_TEST(!apply({remove(), failing}, *host));
  BOOST_TEST(read(rc) == with);
  BOOST_TEST(!apply({EditBlock{rc, k_label, "other\n"}, failing}, *host));
  BOOST_TEST(read(rc) == with);

  rc = scratch_directory / "a/b/new";
  BOOST_TEST(!apply({add(), failing}, *host));
  BOOST_TEST(!fs::exists(scratch_directory / "a"));
  BOOST_REQUIRE(edit_block(add(), *host));
  const auto alone = read(rc);
  BOOST_TEST(!apply({remove(), failing}, *host));
  BOOST_TEST(read(rc) == alone);
  BOOST_TEST(cause(remove()) == "done");
  BOOST_TEST(!fs::exists(scratch_directory / "a"));
}

BOOST_AUTO_TEST_CASE(undo_keeps_edits_made_meanwhile) {
  put(rc, "a\n");
  const auto undo = edit_block(add(), *host);
  BOOST_REQUIRE(undo);
  put(rc, "b\n" + read(rc) + "c\n");
  BOOST_TEST(cause(**undo) == "done");
  BOOST_TEST(read(rc) == "b\na\nc\n");
}

BOOST_AUTO_TEST_SUITE_END()
