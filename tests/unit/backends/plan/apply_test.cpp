// Executes plans on a real directory with real processes: completely or not at all.
#include "backends/plan/apply.hpp"

#include "backends/pidfile.hpp"
#include "os/posix_host.hpp"
#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

using namespace holdfast;
using namespace holdfast::backends;
using holdfast::test::read;
using holdfast::test::ScratchDirectory;

namespace {

struct ApplyFixture {
  ScratchDirectory scratch_directory;
  std::unique_ptr<os::Host> host = os::make_posix_host();

  /// Every path below the scratch directory, with its mode and content.
  std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(scratch_directory.path())) {
      const auto& path = entry.path();
      const auto status = host->status(path);
      const auto mode = std::to_string(status.mode) + " ";
      all[path.string()] = mode + (status.kind == os::FileKind::regular ? read(path) : "");
    }
    return all;
  }
  mode_t mode(const fs::path& path) const { return host->status(path).mode; }
  Run touch(const std::string& name) const {
    return Run{os::Command{{"touch", (scratch_directory / name).string()}, {}, {}}};
  }
  static Run failing() { return Run{os::Command{{"ls", "/nonexistent/holdfast"}, {}, {}}}; }
};

void require_done(const Result<Applied>& applied) {
  BOOST_REQUIRE_MESSAGE(applied.has_value(), (applied.has_error() ? applied.error().line() : ""));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(applying, ApplyFixture)

BOOST_AUTO_TEST_CASE(steps_run_in_order_and_created_directories_are_reported) {
  const auto file = scratch_directory / "a/b/unit";
  const auto applied = apply({WriteFile{file, "one", 0600}, WriteFile{file, "two", 0644}, touch("a/b/c")}, *host);
  require_done(applied);
  BOOST_TEST(read(file) == "two");
  BOOST_TEST(mode(file) == 0644);
  BOOST_TEST(mode(scratch_directory / "a") == 0700);
  BOOST_TEST(fs::exists(scratch_directory / "a/b/c"));
  const std::vector<fs::path> made{scratch_directory / "a", scratch_directory / "a/b"};
  BOOST_TEST(applied->made_directories() == made, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_public_file_gets_a_public_directory) {
  require_done(apply(
      {WriteFile{scratch_directory / "x/open", "", 0644}, WriteFile{scratch_directory / "y/open", "", 0644, 0700}},
      *host));
  BOOST_TEST(mode(scratch_directory / "x") == 0755);
  BOOST_TEST(mode(scratch_directory / "y") == 0700);
}

BOOST_AUTO_TEST_CASE(a_failed_step_undoes_all_before_it) {
  fs::create_directory(scratch_directory / "kept");
  fs::create_directory(scratch_directory / "empty");
  fs::permissions(scratch_directory / "empty", fs::owner_all | fs::group_read);
  test::write(scratch_directory / "kept/changed", "before", fs::owner_all);
  test::write(scratch_directory / "kept/removed", std::string("by\0tes", 6), fs::owner_read);
  const auto before = everything();
  const Plan plan{
      WriteFile{scratch_directory / "kept/changed", "after", 0600},
      RemoveFile{scratch_directory / "kept/removed"},
      WriteFile{scratch_directory / "new/deep/file", "x"},
      MakeDirectory{scratch_directory / "kept/directory/deeper", 0755},
      RemoveEmptyDirectory{scratch_directory / "empty"},
      Run{touch("kept/made").command, os::Command{{"rm", (scratch_directory / "kept/made").string()}, {}, {}}},
      failing(),
      WriteFile{scratch_directory / "never", "x"}};
  const auto applied = apply(plan, *host);
  BOOST_REQUIRE(applied.has_error());
  BOOST_TEST(applied.error().subject == "ls /nonexistent/holdfast");
  BOOST_TEST(applied.error().cause.find("could not be undone") == std::string::npos, applied.error().cause);
  BOOST_TEST((everything() == before));
}

BOOST_AUTO_TEST_CASE(a_failed_undo_is_reported_and_the_rest_continues) {
  const Plan plan{WriteFile{scratch_directory / "file", "x"}, Run{touch("other").command, failing().command},
                  failing()};
  const auto applied = apply(plan, *host);
  BOOST_REQUIRE(applied.has_error());
  BOOST_TEST(applied.error().cause.find("; and it could not be undone: running ls /nonexistent/holdfast: ") !=
             std::string::npos);
  BOOST_TEST(!fs::exists(scratch_directory / "file"));
}

BOOST_AUTO_TEST_CASE(an_on_unwind_command_runs_after_later_undos) {
  // Like daemon-reload: the copy is made after the unit is restored.
  test::write(scratch_directory / "unit", "before");
  const os::Command copy{{"cp", (scratch_directory / "unit").string(), (scratch_directory / "seen").string()}, {}, {}};
  BOOST_TEST(apply({OnUnwind{copy}, WriteFile{scratch_directory / "unit", "after"}, failing()}, *host).has_error());
  BOOST_TEST(read(scratch_directory / "seen") == "before");
}

BOOST_AUTO_TEST_CASE(an_applied_plan_is_unwound_only_once) {
  const auto before = everything();
  auto applied = apply({WriteFile{scratch_directory / "a/one", "1"}}, *host);
  require_done(applied);
  auto later = apply({WriteFile{scratch_directory / "a/two", "2"}}, *host);
  require_done(later);
  applied->append(std::move(*later));
  BOOST_TEST(applied->unwind(*host).empty());
  BOOST_TEST((everything() == before));
  test::write(scratch_directory / "a", "mine now");
  BOOST_TEST(applied->unwind(*host).empty());
  BOOST_TEST(read(scratch_directory / "a") == "mine now");
}

BOOST_AUTO_TEST_CASE(a_created_directory_with_foreign_files_stays) {
  auto applied = apply({WriteFile{scratch_directory / "a/file", "x"}}, *host);
  require_done(applied);
  test::write(scratch_directory / "a/theirs", "precious");
  BOOST_TEST(applied->unwind(*host).empty());
  BOOST_TEST(read(scratch_directory / "a/theirs") == "precious");
  BOOST_TEST(!fs::exists(scratch_directory / "a/file"));
}

BOOST_AUTO_TEST_CASE(writing_an_identical_file_changes_nothing) {
  test::write(scratch_directory / "file", "same");
  struct stat was {
  }, is{};
  BOOST_REQUIRE(::stat((scratch_directory / "file").c_str(), &was) == 0);
  auto applied = apply({WriteFile{scratch_directory / "file", "same", 0600}}, *host);
  require_done(applied);
  BOOST_REQUIRE(::stat((scratch_directory / "file").c_str(), &is) == 0);
  BOOST_TEST(was.st_ino == is.st_ino);
  applied->unwind(*host);
  BOOST_TEST(read(scratch_directory / "file") == "same");
}

BOOST_AUTO_TEST_CASE(a_symbolic_link_is_never_followed_for_writing) {
  test::write(scratch_directory / "precious", "theirs");
  fs::create_symlink(scratch_directory / "precious", scratch_directory / "unit");
  const auto applied = apply({WriteFile{scratch_directory / "unit", "ours"}}, *host);
  BOOST_REQUIRE(applied.has_error());
  BOOST_TEST(applied.error().cause == "it is not a regular file");
  require_done(apply({RemoveFile{scratch_directory / "unit"}}, *host));
  BOOST_TEST(read(scratch_directory / "precious") == "theirs");
  BOOST_TEST((host->status(scratch_directory / "unit").kind == os::FileKind::missing));
}

BOOST_AUTO_TEST_CASE(an_unexpected_exit_status_fails_the_step) {
  const os::Command three{{MISBEHAVE, "exit", "3"}, {}, {}};
  const auto failed = apply({Run{three}}, *host);
  BOOST_REQUIRE(failed.has_error());
  BOOST_TEST(failed.error().cause == "it exited with status 3");
  require_done(apply({Run{three, {}, true}}, *host));
  require_done(apply({Run{three, {}, false, std::chrono::seconds(20), {5, 3}}}, *host));
  BOOST_TEST(apply({Run{three, {}, false, std::chrono::seconds(20), {5}}}, *host).has_error());
}

BOOST_AUTO_TEST_CASE(a_command_with_an_accepted_failure_is_not_undone) {
  const os::Command undo = touch("undone").command;
  const os::Command three{{MISBEHAVE, "exit", "3"}, {}, {}};
  BOOST_TEST(apply({Run{three, undo, true}, Run{three, undo, false, std::chrono::seconds(20), {3}}, failing()}, *host)
                 .has_error());
  BOOST_TEST(!fs::exists(scratch_directory / "undone"));
}

BOOST_AUTO_TEST_CASE(a_hanging_command_fails_at_its_deadline) {
  const auto applied =
      apply({Run{os::Command{{MISBEHAVE, "hang"}, {}, {}}, {}, true, std::chrono::milliseconds(100)},
             Run{os::Command{{MISBEHAVE, "hang"}, {}, {}}, {}, false, std::chrono::milliseconds(1000)}},
            *host);
  BOOST_REQUIRE(applied.has_error());
  BOOST_TEST(applied.error().cause == "no answer within 1 s");
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

struct BackgroundFixture : ApplyFixture {
  fs::path pidfile = scratch_directory / "run/web.pid";
  StartDetached start(const char* mode) const {
    return StartDetached{os::Detached{os::Command{{MISBEHAVE, mode}, {}, {}}, scratch_directory / "out"}, pidfile};
  }
  os::ProcessId await_start() const {
    const auto process = running_process(*host, pidfile);
    BOOST_REQUIRE(process.has_value());
    const auto end = host->now() + std::chrono::seconds(60);
    while (read(scratch_directory / "out").empty()) {
      BOOST_REQUIRE(host->now() < end);
      host->sleep_for(std::chrono::milliseconds(5));
    }
    return *process;
  }
  ~BackgroundFixture() {
    if (const auto process = running_process(*host, pidfile)) host->signal(*process, SIGKILL);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(background, BackgroundFixture)

BOOST_AUTO_TEST_CASE(a_detached_process_is_ended_through_its_pidfile) {
  require_done(apply({start("hang")}, *host));
  const auto process = await_start();
  BOOST_TEST(mode(scratch_directory / "run") == 0700);
  require_done(apply({Terminate{pidfile}}, *host));
  BOOST_TEST(!os::is_alive(*host, process));
  BOOST_TEST(!fs::exists(pidfile));
  require_done(apply({Terminate{pidfile}}, *host));  // a second time is not an Error
}

BOOST_AUTO_TEST_CASE(a_process_that_ignores_sigterm_is_killed) {
  require_done(apply({start("ignore-term")}, *host));
  const auto process = await_start();
  require_done(apply({Terminate{pidfile, std::chrono::milliseconds(100)}}, *host));
  BOOST_TEST(!os::is_alive(*host, process));
}

BOOST_AUTO_TEST_CASE(a_running_process_is_not_started_again) {
  require_done(apply({start("hang")}, *host));
  const auto process = await_start();
  BOOST_TEST(apply({start("hang")}, *host).has_error());
  BOOST_TEST((running_process(*host, pidfile) == process));
}

BOOST_AUTO_TEST_CASE(a_later_failure_ends_the_process) {
  const auto applied = apply({start("hang"), failing()}, *host);
  BOOST_TEST(applied.has_error());
  BOOST_TEST(!fs::exists(pidfile));
  BOOST_TEST(!fs::exists(scratch_directory / "run"));
}

BOOST_AUTO_TEST_CASE(a_missing_program_leaves_no_pidfile) {
  const StartDetached missing{os::Detached{os::Command{{"/nonexistent/holdfast"}, {}, {}}, {}}, pidfile};
  BOOST_TEST(apply({missing}, *host).has_error());
  BOOST_TEST(!fs::exists(pidfile));
}

BOOST_AUTO_TEST_CASE(a_process_with_a_reused_pid_is_not_signalled) {
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    while (true) ::pause();
  }
  auto noted = host->process(stranger).value();
  noted.start_time += 1;  // an earlier process with this pid
  fs::create_directory(scratch_directory / "run");
  test::write(pidfile, format_process_id(noted));
  require_done(apply({Terminate{pidfile}}, *host));
  BOOST_TEST(!fs::exists(pidfile));
  int status = 0;
  BOOST_TEST(::waitpid(stranger, &status, WNOHANG) == 0);
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, &status, 0);
}

BOOST_AUTO_TEST_CASE(a_pid_printed_by_a_command_becomes_a_pidfile) {
  const pid_t named = ::fork();
  if (named == 0) {
    while (true) ::pause();
  }
  Run run{os::Command{{"echo", std::to_string(named)}, {}, {}}};
  run.pidfile = pidfile;
  auto applied = apply({run}, *host);
  require_done(applied);
  const auto process = running_process(*host, pidfile);
  BOOST_REQUIRE(process.has_value());
  BOOST_TEST(process->pid == named);
  BOOST_TEST(applied->unwind(*host).empty());
  BOOST_TEST(!fs::exists(pidfile));
  BOOST_TEST(!os::is_alive(*host, *process));
  ::waitpid(named, nullptr, 0);
  run.command.argv = {"echo", "no pid"};
  BOOST_TEST(apply({run}, *host).error().cause == "the process that it started ended at once");
  run.command.argv = {"echo", "1"};  // init
  BOOST_TEST(apply({run}, *host).has_error());
}

BOOST_AUTO_TEST_CASE(a_pidfile_needs_a_private_directory) {
  fs::create_directory(scratch_directory / "run");
  fs::permissions(scratch_directory / "run", fs::owner_all | fs::others_exe);
  const auto applied = apply({start("hang")}, *host);
  BOOST_REQUIRE(applied.has_error());
  BOOST_TEST(applied.error().cause == "it is not a directory that only you can enter");
}

BOOST_AUTO_TEST_SUITE_END()
