// tmux and screen: plans, session names, and what a session survives.
#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"
#include "backends/terminal_session.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

const std::string k_mark = "/home/ann/.local/state/holdfast/ws/web.stopped";
const std::string k_pidfile = "/tmp/holdfast-1000/web.pid";
const std::string k_socket = "/tmp/holdfast-1000/web.tmux";
const std::string k_job = "/usr/bin/env -i HOME=/home/ann LANG=C.UTF-8 /home/ann/.local/bin/holdfast run web";
const char* const k_logind = "busctl get-property org.freedesktop.login1 /org/freedesktop/login1";

/// A login with variables that would lead tmux and screen to the user's own sessions.
RecordedHost login(const std::string& kills = "b false") {
  RecordedHost host;
  for (const char* program : {"tmux", "screen", "busctl"}) host.put_program(program);
  host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
  host.answer(k_logind, kills + "\nas 0\nas 0\n");
  for (const char* name : {"TMUX", "TMUX_TMPDIR", "TMPDIR", "STY", "SCREENDIR", "SSH_AUTH_SOCK"})
    host.environment[name] = "/odd";
  return host;
}

void put_running(RecordedHost& host) {
  host.put(k_pidfile, "4711 99 0e2c8c5e ws\n", 0600);
  host.put_process({4711, 99, "0e2c8c5e", "ws"});
  host.put("/proc/4711/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
}

std::string survival(const Survives& s) {
  return fmt::format("{}/{}/{}", s.crash.text(), s.logout.text(), s.reboot.text());
}

const os::Command& command_of(const Step& step) {
  const auto* run = std::get_if<Run>(&step);
  return run != nullptr ? run->command : std::get<StartDetached>(step).detached.command;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sessions)

BOOST_AUTO_TEST_CASE(tmux_runs_one_server_per_tunnel) {
  auto host = login();
  const auto job = user_job(host);
  const std::string start = "run tmux -S " + k_socket +
                            " -f /dev/null new-session -d -P -F '#{pane_pid}' -s holdfast-web -c / -- " + k_job +
                            " and write the pid that it prints to " + k_pidfile;
  require_outline(tmux_backend().install(job, host), {});
  require_outline(tmux_backend().start(job, host), {"remove file " + k_mark, start});
  require_outline(tmux_backend().stop(job, host),
                  {"write " + k_mark + " (0600)", "end the process with the pid in " + k_pidfile});
  require_outline(tmux_backend().remove(job.name, job.paths, host), {"remove file " + k_mark});
  // A server left over is ended first, but only in a private directory.
  host.put_special(k_socket, os::FileKind::socket);
  require_outline(tmux_backend().start(job, host), {"remove file " + k_mark, start});
  host.put_directory("/tmp/holdfast-1000", 0700);
  const std::string end = "run tmux -S " + k_socket + " -f /dev/null kill-server | may fail";
  require_outline(tmux_backend().start(job, host), {"remove file " + k_mark, end, "remove file " + k_socket, start});
  require_outline(
      tmux_backend().stop(job, host),
      {"write " + k_mark + " (0600)", "end the process with the pid in " + k_pidfile, end, "remove file " + k_socket});
  require_outline(
      tmux_backend().restart(job, host),
      {"remove file " + k_mark, "end the process with the pid in " + k_pidfile, end, "remove file " + k_socket, start});
}

BOOST_AUTO_TEST_CASE(screen_uses_a_socket_directory_of_its_own) {
  auto host = login();
  const auto job = user_job(host);
  const std::string start = "start in the background screen -c /dev/null -D -m -S holdfast-web " + k_job +
                            " and write its pid to " + k_pidfile;
  const std::string directory = "make directory /tmp/holdfast-1000/screen (0700)";
  require_outline(screen_backend().install(job, host), {});
  require_outline(screen_backend().start(job, host), {"remove file " + k_mark, directory, start});
  require_outline(screen_backend().stop(job, host),
                  {"write " + k_mark + " (0600)", "end the process with the pid in " + k_pidfile});
  host.put_directory("/tmp/holdfast-1000/screen", 0700);
  for (const char* session : {"12.holdfast-web", "13.holdfast-web2", "14.holdfast-we", "15.mine"})
    host.put_special(fs::path("/tmp/holdfast-1000/screen") / session, os::FileKind::socket);
  require_outline(screen_backend().stop(job, host),
                  {"write " + k_mark + " (0600)", "end the process with the pid in " + k_pidfile,
                   "remove file /tmp/holdfast-1000/screen/12.holdfast-web",
                   "remove directory /tmp/holdfast-1000/screen if it is empty"});
  require_outline(screen_backend().remove(job.name, job.paths, host), {"remove file " + k_mark});
}

BOOST_AUTO_TEST_CASE(the_logins_environment_does_not_reach_the_session) {
  const auto host = login();
  for (const auto* backend : {&tmux_backend(), &screen_backend()}) {
    const auto plan = backend->start(user_job(host), host).value();
    const auto& environment = *command_of(plan.back()).environment;
    for (const char* name : {"TMUX", "TMUX_TMPDIR", "TMPDIR", "STY", "SSH_AUTH_SOCK"})
      BOOST_TEST(!environment.contains(name), name);
    BOOST_TEST(environment.at("HOME") == "/home/ann");
  }
  const auto plan = screen_backend().start(user_job(host), host).value();
  BOOST_TEST(command_of(plan.back()).environment->at("SCREENDIR") == "/tmp/holdfast-1000/screen");
}

BOOST_AUTO_TEST_CASE(hostile_values_are_passed_without_a_shell) {
  const auto host = login();
  auto job = user_job(host);
  job.environment["PATH"] = "/x y:$(id):'\"#{pid}";
  for (const auto* backend : {&tmux_backend(), &screen_backend()}) {
    const auto plan = backend->start(job, host).value();
    const auto& argv = command_of(plan.back()).argv;
    BOOST_TEST((std::ranges::find(argv, "PATH=/x y:$(id):'\"#{pid}") != argv.end()));
  }
  job.argv.front() = "/home/ann/a=b/holdfast";
  for (const auto* backend : {&tmux_backend(), &screen_backend()})
    BOOST_TEST(backend->start(job, host).error().cause == "env reads a path that contains \"=\" as a variable");
}

BOOST_AUTO_TEST_CASE(session_names_suit_each_program) {
  const auto host = login();
  const auto argv = command_of(tmux_backend().start(user_job(host, "a.b-c"), host).value().back()).argv;
  BOOST_TEST((std::ranges::find(argv, "holdfast-a_b-c") != argv.end()));
  const auto longest = user_job(host, std::string(64, 'n'));
  BOOST_TEST(tmux_backend().start(longest, host).has_value());
  BOOST_TEST(screen_backend().start(longest, host).has_value());
  auto deep = longest;
  deep.runtime_dir = "/dev/shm/holdfast-4294967295";
  BOOST_TEST(screen_backend().start(deep, host).error().cause.ends_with("; the limit is 107"));
  BOOST_TEST(screen_backend().install(deep, host).has_error());
}

BOOST_AUTO_TEST_CASE(a_running_tunnel_is_not_started_again) {
  auto host = login();
  put_running(host);
  for (const auto* backend : {&tmux_backend(), &screen_backend()}) {
    require_outline(backend->start(user_job(host), host), {"remove file " + k_mark});
    const std::vector<Job> jobs{user_job(host), user_job(host, "other")};
    const auto answers = backend->query(jobs, host).value();
    BOOST_TEST(answers[0].running);
    BOOST_TEST(!answers[1].running);
  }
}

BOOST_AUTO_TEST_CASE(the_proof_runs_holdfast_in_a_session_and_cleans_up) {
  auto host = login();
  host.put_directory("/var/tmp/holdfast-1000", 0700);
  host.put_directory("/tmp/holdfast-1000", 0777, 0);  // created by another user
  const auto tmux = outline(tmux_backend().prove(user_job(host), host).value());
  BOOST_TEST(tmux.front() == "make directory /var/tmp/holdfast-1000/proof (0700)");
  BOOST_TEST(tmux.at(1).ends_with("/home/ann/.local/bin/holdfast version"));
  BOOST_TEST(tmux.back() == "remove directory /var/tmp/holdfast-1000/proof if it is empty");
  const auto screen = outline(screen_backend().prove(user_job(host), host).value());
  BOOST_TEST(screen.front() == "make directory /var/tmp/holdfast-1000/screen (0700)");
  BOOST_TEST(screen.at(1).ends_with("/home/ann/.local/bin/holdfast version"));
  BOOST_TEST(screen.back() == "remove directory /var/tmp/holdfast-1000/screen if it is empty");
}

BOOST_AUTO_TEST_CASE(a_session_survives_logout_as_logind_and_linger_allow) {
  for (const auto* backend : {&tmux_backend(), &screen_backend()}) {
    auto host = login();
    const auto now = [&] { return survival(backend->survives(user_job(host), host)); };
    BOOST_TEST(survival(backend->assess(host).survives) == "no/yes/no");
    put_running(host);
    BOOST_TEST(now() == "no/yes/no");
    host.answer(k_logind, "b true\nas 0\nas 0\n");
    BOOST_TEST(survival(backend->assess(host).survives) == "no/no/no");
    BOOST_TEST(!backend->assess(host).remedy);  // there is no manager
    BOOST_TEST(now() == "no/no/no");
    host.put_user_manager();
    BOOST_TEST(backend->assess(host).remedy.value() == "sudo loginctl enable-linger ann");
    host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
    BOOST_TEST(survival(backend->assess(host).survives) == "no/yes/no");
    BOOST_TEST(now() == "no/no/no");  // it was started without a scope
    host.put("/proc/4711/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n");
    BOOST_TEST(now() == "no/yes/no");
    host.forget(fs::path("/usr/bin") / backend->name().data());
    BOOST_TEST((backend->assess(host).grade == Fitness::Grade::unavailable));
  }
}

BOOST_AUTO_TEST_CASE(with_linger_the_session_runs_in_a_scope) {
  auto host = login("b true");
  host.put_user_manager();
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  for (const auto* backend : {&tmux_backend(), &screen_backend()}) {
    const auto plan = backend->start(user_job(host), host).value();
    const auto& command = command_of(plan.back());
    const std::vector<std::string> begin(command.argv.begin(), command.argv.begin() + 6);
    const std::vector<std::string> expected{"systemd-run", "--user", "--quiet", "--scope", "--collect", "--"};
    BOOST_TEST(begin == expected, boost::test_tools::per_element());
    BOOST_TEST(command.environment->at("XDG_RUNTIME_DIR") == "/run/user/1000");
  }
}

BOOST_AUTO_TEST_SUITE_END()
