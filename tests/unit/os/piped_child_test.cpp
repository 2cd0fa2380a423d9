// A child process whose output is read while it runs.
#include "os/piped_child.hpp"

#include <boost/test/unit_test.hpp>

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

using namespace holdfast;
using namespace holdfast::os;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds k_timeout{20};

/// Reads a child to its end in a poll loop.
Completed finish(PipedChild& child) {
  Completed completed;
  const auto end = steady_clock::now() + k_timeout;
  for (;;) {
    std::array<pollfd, 2> watched{
        {{child.descriptor(PipedChild::out), POLLIN, 0}, {child.descriptor(PipedChild::err), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), 10);
    completed.out += child.read(PipedChild::out);
    completed.err += child.read(PipedChild::err);
    const auto code = child.exit_code();
    if (code && child.descriptor(PipedChild::out) < 0 && child.descriptor(PipedChild::err) < 0) {
      completed.exit_code = *code;
      return completed;
    }
    if (steady_clock::now() > end) {
      child.signal(SIGKILL);
      BOOST_FAIL("the child did not end");
    }
  }
}

Completed run(const std::vector<std::string>& argv) {
  auto child = PipedChild::start({argv});
  BOOST_TEST_REQUIRE(child.has_value());
  return finish(*child);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(piped_child)

BOOST_AUTO_TEST_CASE(both_streams_and_the_exit_code_are_read) {
  const auto done = run({"sh", "-c", "echo out; echo err >&2; exit 7"});
  BOOST_TEST(done.out == "out\n");
  BOOST_TEST(done.err == "err\n");
  BOOST_TEST(done.exit_code == 7);
}

BOOST_AUTO_TEST_CASE(large_output_is_read_completely) {
  constexpr std::size_t k_size = 3 << 20;
  BOOST_TEST(run({"head", "-c", std::to_string(k_size), "/dev/zero"}).out.size() == k_size);
}

BOOST_AUTO_TEST_CASE(the_child_has_its_own_session_and_empty_input) {
  const auto done = run({"sh", "-c", "read line || echo nothing; cut -d' ' -f1,6,7 /proc/$$/stat; echo $$"});
  BOOST_TEST(done.out.starts_with("nothing\n"));
  const auto pid = done.out.substr(done.out.rfind('\n', done.out.size() - 2) + 1);
  const auto alone = pid.substr(0, pid.size() - 1);
  BOOST_TEST(done.out.find(alone + " " + alone + " 0\n") != std::string::npos, done.out);
}

BOOST_AUTO_TEST_CASE(signals_blocked_in_the_parent_reach_the_child) {
  sigset_t interrupt;
  sigset_t previous;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &interrupt, &previous);
  auto* const handler = ::signal(SIGINT, SIG_IGN);
  auto child = PipedChild::start({{MISBEHAVE, "hang"}});
  ::signal(SIGINT, handler);
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  BOOST_TEST_REQUIRE(child.has_value());
  BOOST_TEST(!child->exit_code());
  child->signal(SIGINT);
  BOOST_TEST(finish(*child).exit_code == 128 + SIGINT);
  child->signal(SIGKILL);  // has no effect: the pid may be reused
}

BOOST_AUTO_TEST_CASE(a_failed_start_is_an_error) {
  BOOST_TEST(!PipedChild::start({{"/nowhere/program"}}));
  BOOST_TEST(!PipedChild::start({{"true", std::string("a\0b", 3)}}));
  BOOST_TEST(!PipedChild::start({{"true", std::string(1 << 20, 'x')}}));
}

BOOST_AUTO_TEST_SUITE_END()
