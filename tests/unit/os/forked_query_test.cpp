// Queries that may hang, and the read-only host.
#include "os/forked_query.hpp"
#include "os/posix_host.hpp"
#include "os/read_only_host.hpp"
#include "scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

using namespace holdfast;
using namespace holdfast::os;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(forked_query)

BOOST_AUTO_TEST_CASE(answers_of_any_bytes_arrive_in_order) {
  const std::string large(300'000, 'x');
  const std::string odd("\0\n.\xff", 4);
  const std::vector<ForkedQuery> queries{[&] { return large; }, [] { return std::string(); }, [&] { return odd; }};
  const auto answers = run_forked_queries(queries, 10s);
  BOOST_TEST((answers.at(0) == large));
  BOOST_TEST((answers.at(1) == ""));
  BOOST_TEST((answers.at(2) == odd));
}

BOOST_AUTO_TEST_CASE(a_hanging_query_is_killed_and_delays_no_other) {
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
  // read() returns 0 once no process has the writing end open.
  ::close(ends[1]);
  char byte = 0;
  BOOST_TEST(::read(ends[0], &byte, 1) == 0);
  ::close(ends[0]);
}

BOOST_AUTO_TEST_CASE(hanging_queries_of_one_thread_do_not_affect_another) {
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

// A forked query must not take the SIGCHLD of a thread that waits for a command, nor that thread the query's.
BOOST_AUTO_TEST_CASE(commands_in_many_threads_and_their_queries_all_end) {
  constexpr int k_threads = 6;
  const auto host = make_posix_host();
  std::atomic<int> lost{0};
  std::atomic<int> asking{k_threads};
  const auto run = [&](const std::string& script) { return host->run({{"/bin/sh", "-c", script}}, 20s)->out; };
  const auto wait = [&] {
    do
      if (run("sleep 0.1; echo well") != "well\n") ++lost;
    while (asking > 0);
  };
  const auto ask = [&] {
    const ForkedQuery query = [&] { return run("sleep 0.01; echo well"); };
    for (const auto& answer : run_forked_queries(std::vector<ForkedQuery>(12, query), 15s))
      if (answer != "well\n") ++lost;
    --asking;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < k_threads; ++i) {
    threads.emplace_back(wait);
    threads.emplace_back(ask);
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(lost == 0);
}

BOOST_AUTO_TEST_CASE(queries_run_in_parallel) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  const auto wait = [&] {
    char byte = 0;
    return std::string(::read(ends[0], &byte, 1) == 1 ? "received" : "nothing");
  };
  const auto send = [&] { return std::string(::write(ends[1], "x", 1) == 1 ? "sent" : "failed"); };
  const auto answers = run_forked_queries(std::vector<ForkedQuery>{wait, send}, 10s);
  BOOST_TEST(answers.at(0).value() == "received");
  BOOST_TEST(answers.at(1).value() == "sent");
  ::close(ends[0]);
  ::close(ends[1]);
}

BOOST_AUTO_TEST_CASE(a_killed_query_leaves_no_command_behind) {
  const ScratchDirectory scratch_directory;
  const auto file = scratch_directory.path() / "pid";
  const auto host = make_posix_host();
  // The query is killed before its own limit, and the command ignores SIGTERM.
  const auto script = "echo $$ >" + file.string() + "; exec " MISBEHAVE " ignore-term";
  const auto answers = run_forked_queries(std::vector<ForkedQuery>{[&]() -> std::string {
                                            return host->run({{"/bin/sh", "-c", script}}, 60s)->out;
                                          }},
                                          5s);
  BOOST_TEST(!answers.front());
  const auto pid = static_cast<pid_t>(std::stol(host->read_file(file).value()));
  const auto end = host->now() + 20s;
  while (::kill(pid, 0) == 0 && host->now() < end) host->sleep_for(10ms);
  BOOST_TEST(::kill(pid, 0) != 0);
}

BOOST_AUTO_TEST_CASE(a_query_that_throws_or_exits_has_no_answer) {
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

BOOST_AUTO_TEST_CASE(a_repeated_command_runs_once) {
  const auto marks = scratch_directory.path() / "marks";
  const Command command{{"/bin/sh", "-c", "echo x >>" + marks.string() + "; cat " + marks.string()}};
  const ReadOnlyHost view(*host);
  BOOST_TEST(view.run(command, 10s)->out == "x\n");
  BOOST_TEST(view.run(command, 10s)->out == "x\n");
  auto other = command;
  other.environment = Environment{{"PATH", "/usr/bin:/bin"}};
  BOOST_TEST(view.run(other, 10s)->out == "x\nx\n");
}

BOOST_AUTO_TEST_CASE(the_timeout_limits_all_commands_together) {
  const ReadOnlyHost view(*host, 200ms);
  const auto begin = host->now();
  BOOST_TEST(view.run(Command{{MISBEHAVE, "hang"}}, 10s)->timed_out);
  BOOST_TEST(view.run(Command{{MISBEHAVE, "exit", "0"}}, 10s)->timed_out);
  BOOST_TEST((host->now() - begin < 5s));
}

BOOST_AUTO_TEST_CASE(every_change_is_refused) {
  const auto file = scratch_directory.path() / "file";
  BOOST_REQUIRE(host->write_file(file, "kept", 0600));
  ReadOnlyHost view(*host);
  BOOST_TEST(!view.write_file(file, "lost", 0600));
  BOOST_TEST(!view.write_volatile_file(file, "lost", 0600));
  BOOST_TEST(!view.remove_file(file));
  BOOST_TEST(!view.remove_tree(scratch_directory.path()));
  BOOST_TEST(!view.make_directories(scratch_directory.path() / "more", 0700));
  BOOST_TEST(!view.start_detached(Detached{Command{{"/bin/true"}}, {}}));
  BOOST_TEST(host->read_file(file).value() == "kept");
  BOOST_TEST(host->list(scratch_directory.path()).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
