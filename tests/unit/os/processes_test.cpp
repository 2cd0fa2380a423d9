#include "os/child.hpp"
#include "os/posix_host.hpp"
#include "os/routes.hpp"
#include "os/stopped_process.hpp"
#include "os/tcp_sockets.hpp"
#include "scratch_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace holdfast;
using namespace holdfast::os;
using namespace std::chrono_literals;

namespace {

struct Machine {
  std::unique_ptr<Host> host = make_posix_host();
  ScratchDirectory scratch_directory;

  Result<Completed> misbehave(std::vector<std::string> arguments, std::chrono::milliseconds deadline = 10s) {
    arguments.insert(arguments.begin(), MISBEHAVE);
    return host->run(Command{arguments, {}, {}}, deadline);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(processes, Machine)

BOOST_AUTO_TEST_CASE(exit_code_and_large_output_are_returned) {
  BOOST_TEST(misbehave({"exit", "7"})->exit_code == 7);
  const auto flood = misbehave({"flood"});
  BOOST_REQUIRE(flood);
  BOOST_TEST(flood->out.size() == 2000u * 1001u);
  BOOST_TEST(flood->err.size() == 2000u * 1000u);
}

BOOST_AUTO_TEST_CASE(standard_input_is_the_given_text_or_empty) {
  BOOST_TEST(host->run(Command{{MISBEHAVE, "echo"}, {}, "hello"}, 10s)->out == "hello");
  BOOST_TEST(host->run(Command{{MISBEHAVE, "echo"}, {}, {}}, 10s)->out.empty());
}

BOOST_AUTO_TEST_CASE(a_hanging_command_is_ended_even_if_it_ignores_sigterm) {
  for (const char* mode : {"hang", "ignore-term"}) {
    const auto done = misbehave({mode}, 200ms);
    BOOST_REQUIRE(done);
    BOOST_TEST(done->timed_out);
    BOOST_TEST(!done->ok());
  }
}

BOOST_AUTO_TEST_CASE(run_does_not_wait_for_a_grandchild_with_open_pipes) {
  const auto before = host->now();
  BOOST_TEST(misbehave({"grandchild"})->exit_code == 0);
  BOOST_TEST((host->now() - before < 9s));
}

BOOST_AUTO_TEST_CASE(the_child_gets_exactly_the_given_environment) {
  const auto done = host->run(Command{{MISBEHAVE, "environment"}, Environment{{"A", "1"}, {"B", "x=y"}}, {}}, 10s);
  BOOST_TEST(done->out == "A=1\nB=x=y\n");
}

BOOST_AUTO_TEST_CASE(no_descriptor_leaks_into_the_child) {
  const int leak = ::open("/dev/null", O_RDONLY);
  BOOST_TEST(misbehave({"descriptors"})->out == "");
  ::close(leak);
}

BOOST_AUTO_TEST_CASE(a_failed_start_is_an_error_without_a_zombie) {
  while (::waitpid(-1, nullptr, 0) > 0) {  // reaps children that earlier tests killed
  }
  BOOST_TEST(!host->run(Command{{"no-such-program-here"}, {}, {}}, 10s));
  BOOST_TEST(!host->run(Command{{"/etc/passwd"}, {}, {}}, 10s));
  BOOST_REQUIRE(host->write_file(scratch_directory / "broken",
                                 "\x7f"
                                 "ELFnot",
                                 0755));
  BOOST_TEST(!host->run(Command{{(scratch_directory / "broken").string()}, {}, {}}, 10s));
  BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child left
}

BOOST_AUTO_TEST_CASE(a_process_is_identified_by_start_time_and_boot_too) {
  const auto started = host->start_detached(Detached{Command{{MISBEHAVE, "hang"}, {}, {}}, scratch_directory / "out"});
  BOOST_REQUIRE(started);
  BOOST_TEST(is_alive(*host, *started));
  auto stranger = *started;
  stranger.start_time += 1;
  BOOST_TEST(!is_alive(*host, stranger));
  BOOST_TEST(!host->signal(stranger, SIGKILL));
  BOOST_TEST(is_alive(*host, *started));
  auto earlier = *started;
  earlier.boot_id = "another";
  BOOST_TEST(!host->signal(earlier, SIGKILL));
  auto renamed = *started;
  renamed.host = "formerly";
  BOOST_TEST(is_alive(*host, renamed));
  BOOST_TEST(host->command_line(started->pid).find("hang") != std::string::npos);
  BOOST_TEST(host->signal(*started, SIGKILL));
  ::waitpid(started->pid, nullptr, 0);
  BOOST_TEST(!is_alive(*host, *started));
}

BOOST_AUTO_TEST_CASE(a_stopped_process_is_recognised_until_it_continues) {
  const auto process = host->start_detached(Detached{Command{{MISBEHAVE, "hang"}, {}, {}}, {}}).value();
  const auto becomes = [&](bool stopped) {
    for (int tries = 0; is_stopped(*host, process.pid) != stopped && tries < 1000; ++tries) host->sleep_for(10ms);
    return is_stopped(*host, process.pid) == stopped;
  };
  BOOST_TEST(becomes(false));
  BOOST_TEST(host->signal(process, SIGSTOP));
  BOOST_TEST(becomes(true));
  BOOST_TEST(host->signal(process, SIGCONT));
  BOOST_TEST(becomes(false));
  BOOST_TEST(host->signal(process, SIGKILL));
  ::waitpid(process.pid, nullptr, 0);
  BOOST_TEST(!is_stopped(*host, process.pid));
}

BOOST_AUTO_TEST_CASE(the_exit_of_a_process_is_awaited_until_the_timeout) {
  const auto process = host->start_detached(Detached{Command{{MISBEHAVE, "hang"}, {}, {}}, {}}).value();
  BOOST_TEST(!wait_for_exit(*host, process, 20ms));
  BOOST_TEST(host->signal(process, SIGKILL));
  BOOST_TEST(wait_for_exit(*host, process, 10s));
  BOOST_TEST(wait_for_exit(*host, process, 0ms));
  ::waitpid(process.pid, nullptr, 0);
}

BOOST_AUTO_TEST_CASE(a_child_has_its_own_session_and_default_signals) {
  ::signal(SIGTERM, SIG_IGN);
  boost::asio::io_context context;
  int code = -1;
  auto child = Child::start(
      context, ChildSpec{{{MISBEHAVE, "session"}, {}, {}}, scratch_directory / "out", scratch_directory / "err"},
      [&](int exit_code) { code = exit_code; });
  BOOST_REQUIRE(child);
  context.run_for(10s);
  ::signal(SIGTERM, SIG_DFL);
  BOOST_TEST(code == 0);
  BOOST_TEST(*host->read_file(scratch_directory / "out") ==
             "1 1\n");  // leads its session; SIGTERM has its default action
}

BOOST_AUTO_TEST_CASE(a_child_killed_by_a_signal_reports_128_plus_signal) {
  boost::asio::io_context context;
  int code = -1;
  auto child =
      Child::start(context, ChildSpec{{{MISBEHAVE, "hang"}, {}, {}}, {}, {}}, [&](int exit_code) { code = exit_code; });
  BOOST_REQUIRE(child);
  (*child)->signal(SIGKILL);
  context.run_for(10s);
  BOOST_TEST(code == 128 + SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_child_that_is_dropped_after_its_exit_is_not_reported) {
  // Dropped at each step that leads from its signal to its handler.
  for (int steps = 0; steps < 8; ++steps) {
    boost::asio::io_context context;
    bool dropped = false;
    auto child = Child::start(context, ChildSpec{{{"/bin/true"}, {}, {}}, {}, {}}, [&](int) { BOOST_TEST(!dropped); });
    BOOST_REQUIRE(child);
    const pid_t pid = (*child)->pid();
    BOOST_TEST((*child)->ends_within(10s));
    for (int step = 0; step < steps; ++step) context.poll_one();
    child->reset();
    dropped = true;
    context.restart();
    context.run_for(10s);
    BOOST_TEST(::waitpid(pid, nullptr, WNOHANG) == -1);  // it is reaped
  }
}

BOOST_AUTO_TEST_CASE(the_only_connection_of_a_process_is_found) {
  using boost::asio::ip::tcp;
  boost::asio::io_context context;
  tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  BOOST_TEST(!established_connection(::getpid()).has_value());
  tcp::socket client(context);
  client.connect(acceptor.local_endpoint());
  const auto pair = established_connection(::getpid());
  BOOST_REQUIRE(pair.has_value());
  BOOST_TEST(pair->peer.host == "127.0.0.1");
  BOOST_TEST(pair->peer.port == acceptor.local_endpoint().port());
  BOOST_TEST(pair->local.port == client.local_endpoint().port());
  const tcp::socket second = acceptor.accept();
  BOOST_TEST(!established_connection(::getpid()).has_value());  // two connections: the answer would be a guess
}

// tests/lab/rate_limit.py tests the rejection by ICMP, which needs a firewall.
BOOST_AUTO_TEST_CASE(a_reset_counts_as_an_answer_of_the_peer) {
  using boost::asio::ip::tcp;
  for (const char* loopback : {"127.0.0.1", "::1"}) {
    boost::asio::io_context context;
    const auto address = boost::asio::ip::make_address(loopback);
    tcp::acceptor free_port(context, tcp::endpoint(address, 0));
    const tcp::endpoint closed_port = free_port.local_endpoint();
    free_port.close();
    tcp::socket client(context);
    boost::system::error_code result;
    client.async_connect(closed_port, [&](const boost::system::error_code& error) { result = error; });
    context.run_for(10s);
    BOOST_TEST((result == boost::asio::error::connection_refused), loopback);
    BOOST_TEST(was_answered_by_peer(client.native_handle()), loopback);
  }
  boost::asio::io_context context;
  tcp::socket unanswered(context);
  unanswered.open(tcp::v4());
  BOOST_TEST(!was_answered_by_peer(unanswered.native_handle()));
}

// 192.0.2.0/24 is reserved for documentation: RFC 5737.
BOOST_AUTO_TEST_CASE(a_lost_local_address_is_distinguished_from_another_route) {
  const auto status = [](const char* local, const char* peer) {
    return route_status_of({{local, 40'000}, {peer, 22}});
  };
  BOOST_TEST((status("127.0.0.1", "127.0.0.1") == RouteStatus::same));
  BOOST_TEST((status("127.0.0.2", "127.0.0.1") == RouteStatus::elsewhere));
  BOOST_TEST((status("192.0.2.7", "127.0.0.1") == RouteStatus::lost));
  BOOST_TEST((status("192.0.2.7", "not an address") == RouteStatus::same));
}

BOOST_AUTO_TEST_CASE(a_route_has_an_interface_and_a_source) {
  const auto route = route_to("127.0.0.1");
  BOOST_REQUIRE(route);
  BOOST_TEST(route->usable);
  BOOST_TEST(route->interface != 0U);
  BOOST_TEST(route->source.size() == 4U);
  BOOST_TEST(route->gateway.empty());
  BOOST_TEST((route == route_to("127.0.0.1")));
  BOOST_TEST((route != route_to("::1")));
  BOOST_TEST(!route_to("localhost"));
  BOOST_TEST(!route_to("fe80::1"));  // on which interface?
}

BOOST_AUTO_TEST_CASE(users_are_found_through_the_name_service) {
  const auto root = host->find_user("root");
  BOOST_REQUIRE(root);
  BOOST_TEST(root->uid == 0u);
  BOOST_TEST(!host->find_user("no-such-user-here"));
  BOOST_TEST(!host->find_user("-x"));
}

BOOST_AUTO_TEST_SUITE_END()
