// Questions that may hang, and a look at a host that changes nothing.
#include "os/forked_query.hpp"
#include "os/posix_host.hpp"
#include "os/read_only_host.hpp"
#include "scratch.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

using namespace holdfast;
using namespace holdfast::os;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(at_once)

BOOST_AUTO_TEST_CASE(answers_come_back_in_order_whole_and_of_any_bytes) {
  const std::string large(300'000, 'x');
  const std::string odd("\0\n.\xff", 4);
  const std::vector<ForkedQuery> queries{[&] { return large; }, [] { return std::string(); }, [&] { return odd; }};
  const auto answers = run_forked_queries(queries, 10s);
  BOOST_TEST((answers.at(0) == large));
  BOOST_TEST((answers.at(1) == ""));
  BOOST_TEST((answers.at(2) == odd));
}

BOOST_AUTO_TEST_CASE(one_that_hangs_costs_the_others_nothing_and_is_not_left_running) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  const auto hang = [&]() -> std::string {
    ::close(ends[0]);
    while (true) ::pause();
  };
  const std::vector<ForkedQuery> queries{hang, [] { return std::string("well"); }, hang};
  const auto begin = std::chrono::steady_clock::now();
  const auto answers = run_forked_queries(queries, 300ms);
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
  BOOST_TEST(!answers.at(0));
  BOOST_TEST(answers.at(1).value() == "well");
  BOOST_TEST(!answers.at(2));
  // The pipe ends when nobody holds its other end any more.
  ::close(ends[1]);
  char byte = 0;
  BOOST_TEST(::read(ends[0], &byte, 1) == 0);
  ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(what_hangs_for_one_thread_costs_another_no_answer) {
  const auto hang = []() -> std::string {
    while (true) ::pause();
  };
  std::atomic<bool> over{false};
  std::thread other([&] {
    (void)run_forked_queries(std::vector<ForkedQuery>(24, hang), 3s);
    over = true;
  });
  int unanswered = 0;
  while (!over)
    if (!run_forked_queries(std::vector<ForkedQuery>{[] { return std::string("well"); }}, 20s).front()) ++unanswered;
  other.join();
  BOOST_TEST(unanswered == 0);
}

BOOST_AUTO_TEST_CASE(they_are_asked_at_the_same_time) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  const auto wait = [&] {
    char byte = 0;
    return std::string(::read(ends[0], &byte, 1) == 1 ? "told" : "not told");
  };
  const auto tell = [&] { return std::string(::write(ends[1], "x", 1) == 1 ? "telling" : "could not tell"); };
  const auto answers = run_forked_queries(std::vector<ForkedQuery>{wait, tell}, 10s);
  BOOST_TEST(answers.at(0).value() == "told");
  BOOST_TEST(answers.at(1).value() == "telling");
  ::close(ends[0]);
  ::close(ends[1]);
}

BOOST_AUTO_TEST_CASE(one_that_throws_or_dies_has_not_answered) {
  const std::vector<ForkedQuery> queries{[]() -> std::string { throw std::runtime_error("no"); },
                                         []() -> std::string { ::_exit(0); }};
  for (const auto& answer : run_forked_queries(queries, 10s)) BOOST_TEST(!answer);
  BOOST_TEST(run_forked_queries({}, 10s).empty());
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

struct Machine {
  std::unique_ptr<Host> host = make_posix_host();
  ScratchDirectory scratch_directory;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(read_only_host, Machine)

BOOST_AUTO_TEST_CASE(a_command_is_run_once_however_often_it_is_asked) {
  const auto marks = scratch_directory.path() / "marks";
  const Command command{{"/bin/sh", "-c", "echo x >>" + marks.string() + "; cat " + marks.string()}};
  const ReadOnlyHost look(*host);
  BOOST_TEST(look.run(command, 10s)->out == "x\n");
  BOOST_TEST(look.run(command, 10s)->out == "x\n");
  auto other = command;
  other.environment = Environment{{"PATH", "/usr/bin:/bin"}};
  BOOST_TEST(look.run(other, 10s)->out == "x\nx\n");
}

BOOST_AUTO_TEST_CASE(all_commands_together_take_no_longer_than_its_timeout) {
  const ReadOnlyHost look(*host, 200ms);
  const auto begin = host->now();
  BOOST_TEST(look.run(Command{{MISBEHAVE, "hang"}}, 10s)->timed_out);
  BOOST_TEST(look.run(Command{{MISBEHAVE, "exit", "0"}}, 10s)->timed_out);
  BOOST_TEST((host->now() - begin < 5s));
}

BOOST_AUTO_TEST_CASE(nothing_is_changed_by_it) {
  const auto file = scratch_directory.path() / "file";
  BOOST_REQUIRE(host->write_file(file, "kept", 0600));
  ReadOnlyHost look(*host);
  BOOST_TEST(!look.write_file(file, "lost", 0600));
  BOOST_TEST(!look.write_volatile_file(file, "lost", 0600));
  BOOST_TEST(!look.remove_file(file));
  BOOST_TEST(!look.remove_tree(scratch_directory.path()));
  BOOST_TEST(!look.make_directories(scratch_directory.path() / "more", 0700));
  BOOST_TEST(!look.start_detached(Detached{Command{{"/bin/true"}}, {}}));
  BOOST_TEST(host->read_file(file).value() == "kept");
  BOOST_TEST(host->list(scratch_directory.path()).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
