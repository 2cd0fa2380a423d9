#include "supervisor/watch/name.hpp"

#include "scratch_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/filesystem/fstream.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::supervisor;

namespace {

/// A `getent` that prints a file, first in PATH.
struct Names {
  ScratchDirectory directory;
  std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  boost::asio::io_context context;
  int changes = 0;
  NameWatch watch{context, [] { return std::vector<std::string>{"bastion"}; }, [this] { ++changes; }};

  Names() {
    const auto program = directory.path() / "getent";
    boost::filesystem::ofstream(program) << "#!/bin/sh\ncat " << (directory.path() / "answer").native() << "\n";
    boost::filesystem::permissions(program, boost::filesystem::owner_all);
    ::setenv("PATH", (directory.path().native() + ":" + path).c_str(), 1);
  }
  ~Names() { ::setenv("PATH", path.c_str(), 1); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  void answer(const std::string& addresses) const {
    boost::filesystem::ofstream(directory.path() / "answer") << addresses;
  }
  void run_for(std::chrono::milliseconds span) {
    const auto end = std::chrono::steady_clock::now() + span;
    while (std::chrono::steady_clock::now() < end) context.run_one_for(std::chrono::milliseconds(50));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(name_watch)

BOOST_AUTO_TEST_CASE(only_another_set_of_addresses_is_a_change) {
  Names names;
  names.answer("192.0.2.1 STREAM bastion\n192.0.2.1 DGRAM\n2001:db8::1 STREAM\n");
  names.watch.start();
  names.run_for(std::chrono::milliseconds(1500));
  names.answer("2001:db8::1 STREAM bastion\n192.0.2.1 STREAM\n");
  names.run_for(std::chrono::milliseconds(3500));
  BOOST_TEST(names.changes == 0);
  names.answer("");  // the name servers are down
  names.run_for(std::chrono::milliseconds(3500));
  BOOST_TEST(names.changes == 0);
  names.answer("192.0.2.7 STREAM bastion\n");
  names.run_for(std::chrono::milliseconds(4000));
  BOOST_TEST(names.changes >= 1);
}

BOOST_AUTO_TEST_CASE(a_change_is_reported_until_the_next_attempt) {
  Names names;
  names.answer("192.0.2.1 STREAM bastion\n");
  names.watch.start();
  names.run_for(std::chrono::milliseconds(1500));
  names.answer("192.0.2.2 STREAM bastion\n");
  names.run_for(std::chrono::milliseconds(8000));
  BOOST_TEST(names.changes >= 2);
  names.watch.note_attempt();
  names.changes = 0;
  names.run_for(std::chrono::milliseconds(4000));
  BOOST_TEST(names.changes == 0);
}

BOOST_AUTO_TEST_CASE(numeric_hosts_are_no_names) {
  const std::vector<std::string> hosts{"192.0.2.1", "bastion", "2001:db8::1", "bastion", "jump"};
  BOOST_TEST((names_of(hosts) == std::vector<std::string>{"bastion", "jump"}));
}

BOOST_AUTO_TEST_CASE(only_failures_of_the_machine_that_answers_are_watched) {
  BOOST_TEST(depends_on_address({FailureClass::host_key_changed, {}, {}}));
  BOOST_TEST(!depends_on_address({FailureClass::key_missing, {}, {}}));
  BOOST_TEST(!depends_on_address({FailureClass::refused, {}, {}}));
}

BOOST_AUTO_TEST_SUITE_END()
