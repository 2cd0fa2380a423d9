// A shell replaces the client of ssh's control socket, since only the order of the end matters.
#include "ssh/remote/remote_command.hpp"

#include "scratch_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <thread>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace std::chrono_literals;

namespace {

struct Place {
  ScratchDirectory scratch_directory;
  boost::asio::io_context context{1};
  std::optional<RemoteCommand::Answer> answer;
  RemoteCommand remote{context};

  void start(const std::string& script, std::chrono::milliseconds timeout) {
    const auto started =
        remote.start(os::Command{.argv = {"/bin/sh", "-c", script, "sh", scratch_directory.path().native()}}, timeout,
                     [this](RemoteCommand::Answer reply) { answer = std::move(reply); });
    BOOST_REQUIRE(started);
  }
  /// The context does not run in the meantime, so the limit for output does not end the command.
  void wait_until_it_writes() const {
    while (!boost::filesystem::exists(scratch_directory / "began")) std::this_thread::sleep_for(1ms);
  }
  [[nodiscard]] bool noticed() const { return boost::filesystem::exists(scratch_directory / "noticed"); }
};

// Writes endlessly, and reports when its output is closed, which a killed process cannot.
const std::string k_flood = "trap '' PIPE; >$1/began; while echo xxxxxxxxxxxxxxxx 2>/dev/null; do :; done; >$1/noticed";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(remote_command, Place)

BOOST_AUTO_TEST_CASE(the_answer_is_the_output_of_the_command) {
  start("echo one; echo two", 60s);
  context.run();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->output == "one\ntwo\n");
  BOOST_TEST(answer->ended);
  BOOST_TEST(!remote.runs());
}

BOOST_AUTO_TEST_CASE(endless_output_is_closed_before_the_client_is_killed) {
  start(k_flood, 60s);
  context.run();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(!answer->ended);
  BOOST_TEST(answer->output.size() < 128U * 1024);
  BOOST_TEST(!remote.runs());
  BOOST_TEST(noticed());
}

BOOST_AUTO_TEST_CASE(a_hanging_command_is_killed_after_the_answer) {
  start("exec sleep 60", 50ms);
  while (!answer) context.run_one();
  BOOST_TEST(!answer->ended);
  BOOST_TEST(remote.runs());
  context.run();
  BOOST_TEST(!remote.runs());
}

BOOST_AUTO_TEST_CASE(an_ended_command_gives_no_answer) {
  start(k_flood, 60s);
  wait_until_it_writes();
  remote.end();
  context.run();
  BOOST_TEST(!answer.has_value());
  BOOST_TEST(!remote.runs());
  BOOST_TEST(noticed());
}

BOOST_AUTO_TEST_CASE(the_destructor_waits_for_the_client) {
  {
    RemoteCommand other(context);
    const os::Command command{.argv = {"/bin/sh", "-c", k_flood, "sh", scratch_directory.path().native()}};
    BOOST_REQUIRE(other.start(command, 60s, [](const RemoteCommand::Answer&) { BOOST_ERROR("it has no answer"); }));
    wait_until_it_writes();
  }
  BOOST_TEST(noticed());
  context.run();
}

BOOST_AUTO_TEST_SUITE_END()
