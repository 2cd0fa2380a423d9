// The C++ API: it passes on every value, and validates all input.
#include <holdfast/holdfast.hpp>

#include "backends/recorded_host.hpp"
#include "library/conversion.hpp"
#include "library/signals.hpp"
#include "library/watcher.hpp"
#include "tunnels/setup/setup_arguments.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>

using namespace holdfast;

namespace {

/// The message of the refusal. The recorded host must not be changed.
std::string refused(const Request& request) {
  test::RecordedHost host;
  tunnels::Observer nobody;
  const auto read = tunnels::read_setup(request, Scope::user, {}, host, nobody);
  BOOST_REQUIRE(!read);
  const auto failure = library::failure_of(read.error());
  BOOST_TEST((failure.reason() == Failure::Reason::usage), failure.what());
  BOOST_TEST(failure.kind() == "usage");
  return failure.what();
}

Request sound() {
  Request request;
  request.ports = {"2222"};
  request.bastions = {"gate@bastion"};
  return request;
}

Request with(std::string Request::*field, const std::string& value) {
  auto request = sound();
  request.*field = value;
  return request;
}

Request with(std::vector<std::string> Request::*field, const std::string& value) {
  auto request = sound();
  request.*field = {value};
  return request;
}

Request with(std::optional<std::string> Request::*field, const std::string& value) {
  auto request = sound();
  request.*field = value;
  return request;
}

int calls = 0;
void count(int) { ++calls; }

struct sigaction action_of(int number) {
  struct sigaction action {};
  ::sigaction(number, nullptr, &action);
  return action;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(library_face)

BOOST_AUTO_TEST_CASE(a_failure_keeps_reason_class_and_hint) {
  const auto diagnosed = error_from("setting up", "tunnel lab",
                                    {FailureClass::host_key_unknown, "the bastion's key is not known", "ssh gate"});
  const auto failure = library::failure_of(diagnosed);
  BOOST_TEST((failure.reason() == Failure::Reason::failed));
  BOOST_TEST(failure.kind() == "host-key-unknown");
  BOOST_TEST(failure.hint() == "ssh gate");
  BOOST_TEST(failure.what() == "setting up tunnel lab: the bastion's key is not known");

  const auto reason = [](ExitStatus status) { return library::failure_of({"a", "b", "c", "", status}).reason(); };
  BOOST_TEST((reason(ExitStatus::not_up) == Failure::Reason::not_up));
  BOOST_TEST((reason(ExitStatus::no_such_tunnel) == Failure::Reason::no_such_tunnel));
  BOOST_TEST((reason(ExitStatus::no_backend) == Failure::Reason::no_backend));
  BOOST_TEST((reason(ExitStatus::interrupted) == Failure::Reason::cancelled));
  BOOST_TEST(library::failure_of(tunnels::cancelled()).kind() == "interrupted");
}

BOOST_AUTO_TEST_CASE(a_status_keeps_every_value) {
  using std::chrono::seconds;
  tunnels::TunnelStatus known;
  known.name = "lab";
  known.state = store::TunnelState::waiting;
  known.verified = false;
  known.since = WallTime(seconds(100));
  known.host = "ws";
  known.bastion = "b";
  known.bastions = {"a", "b"};
  known.engine = "native";
  known.forwards = {{"127.0.0.1:2222", "localhost:22", store::ForwardState::busy, store::Bound::all},
                    {"/s", "localhost:80", {}}};
  known.backend = {
      "cron", true, false,
      Survives{{Survival::Kind::within, seconds(60)}, {Survival::Kind::yes, {}}, {Survival::Kind::at_login, {}}}};
  known.supervisor.pid = 101;
  known.ssh_pid = 102;
  known.rtt_ms = 12.5;
  known.reconnects = 3;
  known.next_attempt = WallTime(seconds(200));
  known.last_error = {{FailureClass::forward_busy, "taken", "free it"}, WallTime(seconds(150))};

  const auto status = library::status_of(known);
  BOOST_TEST(status.name == "lab");
  BOOST_TEST((status.state == Status::State::waiting));
  BOOST_TEST(!status.is_up());
  BOOST_TEST((status.verified == false));
  BOOST_TEST((status.since == Instant(seconds(100))));
  BOOST_TEST((status.host == "ws" && status.bastion == "b" && status.engine == "native"));
  BOOST_TEST(status.bastions.size() == 2U);
  BOOST_TEST(status.forwards.at(0).listen == "127.0.0.1:2222");
  BOOST_TEST(status.forwards.at(0).target == "localhost:22");
  BOOST_TEST((status.forwards.at(0).state == Status::Forward::State::busy));
  BOOST_TEST(!status.forwards.at(1).state);
  BOOST_TEST((status.forwards.at(0).bound == Status::Forward::Bound::all));
  known.state = store::TunnelState::degraded;
  BOOST_TEST((library::status_of(known).state == Status::State::degraded));
  BOOST_TEST((status.backend.name == "cron" && status.backend.installed == true && status.backend.running == false));
  BOOST_TEST((status.backend.crash->kind == Status::Endurance::Kind::within));
  BOOST_TEST((status.backend.crash->bound == seconds(60)));
  BOOST_TEST((status.backend.logout->kind == Status::Endurance::Kind::yes));
  BOOST_TEST((status.backend.reboot->kind == Status::Endurance::Kind::at_login));
  BOOST_TEST((status.supervisor_pid == 101 && status.ssh_pid == 102 && status.reconnects == 3U));
  BOOST_TEST(status.round_trip->count() == 12.5);
  BOOST_TEST((status.next_attempt == Instant(seconds(200))));
  BOOST_TEST(status.last_error->kind == "forward-busy");
  BOOST_TEST((status.last_error->message == "taken" && status.last_error->hint == "free it"));
  BOOST_TEST((status.last_error->at == Instant(seconds(150))));
  BOOST_TEST(!library::status_of({}).state);
}

BOOST_AUTO_TEST_CASE(hostile_values_are_refused_with_a_one_line_message) {
  const std::string line_break = "a\nb";
  const std::string escape = "a\x1b[2Jb";
  const std::string nul("a\0b", 3);
  for (const auto& bad : {std::string(), std::string("-oProxyCommand=id"), line_break, escape, nul}) {
    for (const auto& request : {with(&Request::bastions, bad), with(&Request::ports, bad), with(&Request::name, bad),
                                with(&Request::backend, bad), with(&Request::engine, bad), with(&Request::host, bad),
                                with(&Request::run_as, bad), with(&Request::ssh_options, bad)}) {
      const auto line = refused(request);
      BOOST_TEST(!line.empty());
      for (const char byte : line) BOOST_TEST(static_cast<unsigned char>(byte) >= 0x20, line);
    }
  }
  BOOST_TEST(refused({}).find("--port") != std::string::npos);
  BOOST_TEST(refused(with(&Request::ssh_options, "StrictHostKeyChecking=no")).find("StrictHostKeyChecking") !=
             std::string::npos);
  BOOST_TEST(!refused(with(&Request::identity, line_break)).empty());
}

BOOST_AUTO_TEST_CASE(every_field_of_a_request_is_used) {
  auto request = sound();
  request.bastions = {"gate@bastion", "other:2200"};
  request.name = "lab";
  request.identity = "/keys/lab";
  request.backend = "nohup";
  request.host = "any";
  request.ssh_options = {"Compression=yes"};
  request.accept_new_host_key = true;
  request.takeover = true;
  request.allow_target_down = true;
  request.preflight = false;
  test::RecordedHost host;
  tunnels::Observer nobody;
  const auto read = tunnels::read_setup(request, Scope::user, {}, host, nobody).value();
  BOOST_TEST(read.name.text() == "lab");
  BOOST_TEST(read.fallbacks.size() == 1U);
  BOOST_TEST(read.identity->string() == "/keys/lab");
  BOOST_TEST(read.backend == "nohup");
  BOOST_TEST((read.host == "any"));
  BOOST_TEST(read.ssh_options.at(0).key == "Compression");
  BOOST_TEST(read.accept_new_host_key);
  BOOST_TEST(read.takeover);
  BOOST_TEST(read.allow_target_down);
  BOOST_TEST(!read.preflight);
}

BOOST_AUTO_TEST_CASE(an_exception_from_the_watch_cancels_and_propagates) {
  Watch watch;
  watch.on_step = [](const Step& step) {
    if (step.what == "second") throw std::runtime_error("enough");
  };
  library::Watcher watcher(watch);
  watcher.step_done("first", "");
  BOOST_TEST(!watcher.is_cancelled());
  watcher.step_done("second", "");
  BOOST_TEST(watcher.is_cancelled());
  BOOST_CHECK_THROW(watcher.rethrow(), std::runtime_error);

  bool asked = false;
  watch = Watch{{}, [&] { return asked = true; }};
  BOOST_TEST(library::Watcher(watch).is_cancelled());
  BOOST_TEST(asked);
}

BOOST_AUTO_TEST_CASE(signal_handlers_are_restored) {
  const auto previous_child = action_of(SIGCHLD);
  const auto previous_pipe = action_of(SIGPIPE);
  ::signal(SIGCHLD, count);
  ::signal(SIGPIPE, SIG_DFL);
  {
    const library::BorrowedSignals outer;
    const library::BorrowedSignals inner;
    BOOST_TEST((action_of(SIGCHLD).sa_handler == SIG_DFL));
    BOOST_TEST((action_of(SIGPIPE).sa_handler == SIG_IGN));
  }
  BOOST_TEST((action_of(SIGCHLD).sa_handler == count));
  BOOST_TEST((action_of(SIGPIPE).sa_handler == SIG_DFL));
  BOOST_TEST(calls == 1);
  ::sigaction(SIGCHLD, &previous_child, nullptr);
  ::sigaction(SIGPIPE, &previous_pipe, nullptr);
}

BOOST_AUTO_TEST_CASE(another_program_is_not_accepted_as_holdfast) {
  const auto why = [](const std::string& program) {
    try {
      Tunnels({Options::Scope::user, program}).set_up(sound());
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
    return std::string("no failure");
  };
  BOOST_TEST(why("/nowhere/holdfast") == "starting /nowhere/holdfast: there is no such program");
  BOOST_TEST(why("/bin/true") == "using /bin/true: it is not holdfast");
  BOOST_TEST(why("holdfast").find("it is not an absolute path") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
