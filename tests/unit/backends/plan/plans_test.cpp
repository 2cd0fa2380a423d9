// The plans of the systemd and nohup backends, step by step.
#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

RecordedHost host_with_manager() {
  RecordedHost host;
  host.put_user_manager();
  return host;
}

RecordedHost root_host() {
  RecordedHost host;
  host.me = os::User{0, 0, "root", "/root"};
  host.environment["HOME"] = "/root";
  host.put_program("systemctl");
  host.put_directory("/run/systemd/system", 0755, 0);
  for (const char* directory : {"/", "/usr", "/usr/local", "/usr/local/bin"}) host.put_directory(directory, 0755, 0);
  host.put("/usr/local/bin/holdfast", "", 0755, 0);
  host.answer("id -G -- ann", "1000\n");
  return host;
}

const std::string k_unit = "/home/ann/.config/systemd/user/holdfast-web.service";
const std::string k_proof = "/home/ann/.config/systemd/user/holdfast--proof-web.service";  // of a setup that was killed
const std::string k_wants = "/home/ann/.config/systemd/user/default.target.wants";

}  // namespace

BOOST_AUTO_TEST_SUITE(systemd_user)

BOOST_AUTO_TEST_CASE(install_turns_on_linger_and_writes_and_enables_the_unit) {
  const auto host = host_with_manager();
  require_outline(
      systemd_user_backend().install(user_job(host), host),
      {"run loginctl --no-ask-password enable-linger ann | may fail | undo: loginctl --no-ask-password disable-linger "
       "ann",
       "if a later step fails, run after the undo: systemctl --user daemon-reload", "write " + k_unit + " (0644)",
       "run systemctl --user daemon-reload", "make directory " + k_wants + " (0755)",
       "run systemctl --user --quiet enable holdfast-web.service | undo: systemctl --user --quiet disable "
       "holdfast-web.service"});
}

BOOST_AUTO_TEST_CASE(install_keeps_existing_linger_and_links) {
  auto host = host_with_manager();
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  host.put_special(k_wants + "/holdfast-web.service", os::FileKind::symlink);
  require_outline(systemd_user_backend().install(user_job(host), host),
                  {"if a later step fails, run after the undo: systemctl --user daemon-reload",
                   "write " + k_unit + " (0644)", "run systemctl --user daemon-reload"});
}

BOOST_AUTO_TEST_CASE(start_stop_and_restart_use_systemctl) {
  const auto host = host_with_manager();
  const auto job = user_job(host);
  require_outline(systemd_user_backend().start(job, host),
                  {"run systemctl --user daemon-reload",
                   "if a later step fails, run after the undo: systemctl --user stop holdfast-web.service",
                   "run systemctl --user start holdfast-web.service"});
  require_outline(systemd_user_backend().stop(job, host),
                  {"run systemctl --user stop holdfast-web.service | 5 is fine",
                   "run systemctl --user reset-failed holdfast-web.service | may fail"});
  require_outline(systemd_user_backend().restart(job, host), {"run systemctl --user restart holdfast-web.service"});
}

BOOST_AUTO_TEST_CASE(remove_stops_disables_and_deletes) {
  const auto host = host_with_manager();
  const auto job = user_job(host);
  require_outline(systemd_user_backend().remove(job.name, job.paths, host),
                  {"run systemctl --user stop holdfast-web.service | 5 is fine",
                   "run systemctl --user reset-failed holdfast-web.service | may fail",
                   "if a later step fails, run after the undo: systemctl --user daemon-reload",
                   "run systemctl --user --quiet disable holdfast-web.service | may fail | undo: systemctl --user "
                   "--quiet enable holdfast-web.service",
                   "remove file " + k_wants + "/holdfast-web.service", "remove file " + k_unit,
                   "run systemctl --user daemon-reload",
                   "run systemctl --user reset-failed holdfast-web.service | may fail", "remove file " + k_proof});
}

BOOST_AUTO_TEST_CASE(without_a_manager_remove_works_and_start_fails) {
  const RecordedHost host;
  const auto job = user_job(host);
  require_outline(
      systemd_user_backend().remove(job.name, job.paths, host),
      {"remove file " + k_wants + "/holdfast-web.service", "remove file " + k_unit, "remove file " + k_proof});
  require_outline(systemd_user_backend().stop(job, host), {});
  for (const auto& plan : {systemd_user_backend().install(job, host), systemd_user_backend().start(job, host),
                           systemd_user_backend().restart(job, host), systemd_user_backend().prove(job, host)}) {
    BOOST_REQUIRE(plan.has_error());
    BOOST_TEST(plan.error().line() == "reaching your systemd user manager: none is running");
    BOOST_TEST((plan.error().status == ExitStatus::no_backend));
  }
}

BOOST_AUTO_TEST_CASE(the_proof_runs_holdfast_under_the_manager) {
  const auto host = host_with_manager();
  const auto plan = systemd_user_backend().prove(user_job(host), host);
  BOOST_REQUIRE(plan.has_value());
  const auto lines = outline(*plan);
  BOOST_REQUIRE(lines.size() == 5);
  BOOST_TEST(lines[0].starts_with("run loginctl --no-ask-password enable-linger ann"));
  // The manager finds a unit in the directory that install writes to.
  const std::string proof = "holdfast--proof-web.service";
  BOOST_TEST(lines[1] == "write /home/ann/.config/systemd/user/" + proof + " (0644)");
  BOOST_TEST(lines[2] == "run systemctl --user cat --no-pager " + proof);
  BOOST_TEST(lines[3] == "remove file /home/ann/.config/systemd/user/" + proof);
  BOOST_TEST(lines[4].starts_with("run systemd-run --user --quiet --collect"));
  BOOST_TEST(lines[4].ends_with("-- /home/ann/.local/bin/holdfast version"));
}

BOOST_AUTO_TEST_CASE(the_bus_is_found_without_xdg_runtime_dir) {
  const auto host = host_with_manager();  // without XDG_RUNTIME_DIR
  const auto plan = systemd_user_backend().start(user_job(host), host).value();
  const auto& environment = *std::get<Run>(plan.back()).command.environment;
  BOOST_TEST(environment.at("XDG_RUNTIME_DIR") == "/run/user/1000");
  BOOST_TEST(environment.at("DBUS_SESSION_BUS_ADDRESS") == "unix:path=/run/user/1000/bus");
}

BOOST_AUTO_TEST_CASE(a_foreign_runtime_directory_is_ignored) {
  auto host = host_with_manager();
  host.environment["XDG_RUNTIME_DIR"] = "/run/user/0";
  host.put_directory("/run/user/0", 0700, 0);
  host.put_special("/run/user/0/systemd/private", os::FileKind::socket);
  const auto plan = systemd_user_backend().start(user_job(host), host).value();
  BOOST_TEST(std::get<Run>(plan.back()).command.environment->at("XDG_RUNTIME_DIR") == "/run/user/1000");
}

BOOST_AUTO_TEST_CASE(units_go_where_the_manager_reads_them_whatever_the_shell_exports) {
  auto host = host_with_manager();
  host.environment["XDG_CONFIG_HOME"] = "/home/ann/cfg";
  const auto unit_file = [&](const std::string& config) {
    host.answer("systemctl --user show --property=UnitPath --value",
                fmt::format("{0}/systemd/user.control /run/user/1000/systemd/transient {0}/systemd/user "
                            "/etc/xdg/systemd/user /etc/systemd/user /run/systemd/user /usr/lib/systemd/user\n",
                            config));
    const auto plan = systemd_user_backend().install(user_job(host), host).value();
    for (const auto& step : plan)
      if (const auto* file = std::get_if<WriteFile>(&step)) return file->path.parent_path().string();
    return std::string();
  };
  for (const char* config : {"/home/ann/.config", "/home/ann/cfg", "/srv/ann/config", "/home/ann/my files"}) {
    if (std::string(config).ends_with("files")) host.environment["XDG_CONFIG_HOME"] = config;
    BOOST_TEST(unit_file(config) == fmt::format("{}/systemd/user", config));
  }
}

BOOST_AUTO_TEST_CASE(status_and_remove_find_the_unit_where_setup_wrote_it) {
  auto host = host_with_manager();
  host.answer("systemctl --user show --no-pager", "");
  host.put("/srv/ann/config/systemd/user/holdfast-web.service", "");
  const std::vector<Job> jobs{user_job(host)};
  BOOST_TEST(!systemd_user_backend().query(jobs, host).value().front().installed);
  host.answer("systemctl --user show --property=UnitPath --value", "/srv/ann/config/systemd/user /etc/systemd/user\n");
  BOOST_TEST(systemd_user_backend().query(jobs, host).value().front().installed);
  const auto lines = outline(systemd_user_backend().remove(jobs[0].name, jobs[0].paths, host).value());
  BOOST_TEST(std::ranges::count(lines, "remove file /srv/ann/config/systemd/user/holdfast-web.service") == 1);
}

BOOST_AUTO_TEST_CASE(remove_without_a_manager_looks_where_setup_may_have_written_the_unit) {
  auto host = host_with_manager();
  host.forget("/run/user/1000/systemd/private");
  host.environment["XDG_CONFIG_HOME"] = "/home/ann/cfg";
  const auto job = user_job(host);
  const auto lines = outline(systemd_user_backend().remove(job.name, job.paths, host).value());
  for (const char* config : {"/home/ann/.config", "/home/ann/cfg"})
    for (const char* file : {"holdfast-web.service", "default.target.wants/holdfast-web.service"})
      BOOST_TEST(std::ranges::count(lines, fmt::format("remove file {}/systemd/user/{}", config, file)) == 1);
}

BOOST_AUTO_TEST_CASE(a_manager_that_does_not_answer_is_an_error) {
  auto host = host_with_manager();
  host.answer("systemctl --user show --no-pager",
              os::Completed{1, false, "", "Failed to connect to bus: Host is down\n"});
  const std::vector<Job> jobs{user_job(host)};
  const auto answers = systemd_user_backend().query(jobs, host);
  BOOST_REQUIRE(answers.has_error());
  BOOST_TEST(answers.error().cause == "Failed to connect to bus: Host is down");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(systemd_system)

BOOST_AUTO_TEST_CASE(install_writes_and_enables_a_system_unit) {
  const auto host = root_host();
  const std::string wants = "/etc/systemd/system/multi-user.target.wants";
  require_outline(systemd_system_backend().install(system_job(host), host),
                  {"if a later step fails, run after the undo: systemctl daemon-reload",
                   "write /etc/systemd/system/holdfast-web.service (0644)", "run systemctl daemon-reload",
                   "make directory " + wants + " (0755)",
                   "run systemctl --quiet enable holdfast-web.service | undo: systemctl --quiet disable "
                   "holdfast-web.service"});
}

BOOST_AUTO_TEST_CASE(remove_deletes_state_and_runtime_directories) {
  const auto host = root_host();
  const auto job = system_job(host);
  require_outline(
      systemd_system_backend().remove(job.name, job.paths, host),
      {"run systemctl stop holdfast-web.service | 5 is fine",
       "run systemctl reset-failed holdfast-web.service | may fail",
       "if a later step fails, run after the undo: systemctl daemon-reload",
       "run systemctl --quiet disable holdfast-web.service | may fail | undo: systemctl --quiet enable "
       "holdfast-web.service",
       "remove file /etc/systemd/system/multi-user.target.wants/holdfast-web.service",
       "remove file /etc/systemd/system/holdfast-web.service", "run systemctl daemon-reload",
       "run systemctl reset-failed holdfast-web.service | may fail",
       "remove directory /run/holdfast/web and everything in it", "remove directory /run/holdfast if it is empty",
       "remove directory /var/lib/holdfast/web and everything in it",
       "remove directory /var/lib/holdfast if it is empty"});
}

BOOST_AUTO_TEST_CASE(start_and_stop_use_the_system_manager) {
  const auto host = root_host();
  const auto job = system_job(host);
  require_outline(systemd_system_backend().start(job, host),
                  {"if a later step fails, run after the undo: systemctl stop holdfast-web.service",
                   "run systemctl start holdfast-web.service"});
  require_outline(systemd_system_backend().stop(job, host),
                  {"run systemctl stop holdfast-web.service | 5 is fine",
                   "run systemctl reset-failed holdfast-web.service | may fail"});
}

BOOST_AUTO_TEST_CASE(only_root_on_a_machine_with_systemd_may_install) {
  auto host = root_host();
  const auto reason = [&] { return systemd_system_backend().assess(host).reason; };
  BOOST_TEST((systemd_system_backend().assess(host).grade == Fitness::Grade::good));
  host.me.uid = 1000;
  BOOST_TEST(reason() == "only root can install a system service");
  host.forget("/run/systemd/system");
  BOOST_TEST(reason() == "this machine was not booted with systemd");
}

BOOST_AUTO_TEST_CASE(a_program_that_the_user_cannot_run_is_refused) {
  auto host = root_host();
  const auto cause = [&](const std::string& program) {
    auto job = system_job(host);
    job.argv.front() = program;
    const auto plan = systemd_system_backend().install(job, host);
    return plan.has_error() ? plan.error().cause : "installed";
  };
  BOOST_TEST(cause("/usr/local/bin/holdfast") == "installed");
  BOOST_TEST(cause("/root/holdfast") == "a sandboxed service cannot see /root");
  BOOST_TEST(cause("/tmp/holdfast") == "a sandboxed service cannot see /tmp");
  BOOST_TEST(cause("/usr/local/bin/nothing") == "/usr/local/bin/nothing does not exist");
  host.put("/usr/local/bin/holdfast", "", 0750, 0);
  BOOST_TEST(cause("/usr/local/bin/holdfast") == "ann may not execute it");
  host.put_directory("/usr/local", 0700, 0);
  BOOST_TEST(cause("/usr/local/bin/holdfast") == "ann may not enter /usr/local");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(nohup)

const std::string k_pidfile = "/tmp/holdfast-1000/web.pid";
const std::string k_mark = "/home/ann/.local/state/holdfast/ws/web.stopped";

BOOST_AUTO_TEST_CASE(nohup_installs_nothing_and_starts_with_a_pidfile) {
  const RecordedHost host;
  const auto job = user_job(host);
  require_outline(nohup_backend().prove(job, host), {});
  require_outline(nohup_backend().install(job, host), {});
  require_outline(nohup_backend().remove(job.name, job.paths, host), {"remove file " + k_mark});
  require_outline(nohup_backend().start(job, host),
                  {"remove file " + k_mark,
                   "start in the background /home/ann/.local/bin/holdfast run web and write its pid to " + k_pidfile});
  require_outline(nohup_backend().stop(job, host),
                  {"write " + k_mark + " (0600)", "end the process with the pid in " + k_pidfile});
  require_outline(nohup_backend().restart(job, host),
                  {"remove file " + k_mark, "end the process with the pid in " + k_pidfile,
                   "start in the background /home/ann/.local/bin/holdfast run web and write its pid to " + k_pidfile});
}

BOOST_AUTO_TEST_CASE(a_running_tunnel_is_not_started_again) {
  RecordedHost host;
  host.put(k_pidfile, "4711 99 0e2c8c5e ws\n", 0600);
  host.put_process({4711, 99, "0e2c8c5e", "ws"});
  require_outline(nohup_backend().start(user_job(host), host), {"remove file " + k_mark});
}

BOOST_AUTO_TEST_CASE(running_means_the_process_in_the_pidfile) {
  RecordedHost host;
  const std::vector<Job> jobs{user_job(host)};
  const auto state = [&] {
    const auto answer = nohup_backend().query(jobs, host).value().front();
    return fmt::format("{} {}", answer.installed, answer.running);
  };
  BOOST_TEST(state() == "false false");
  host.put("/home/ann/.config/holdfast/tunnels/web.conf", "", 0600);
  BOOST_TEST(state() == "true false");
  host.put(k_pidfile, "4711 99 0e2c8c5e ws\n", 0600);
  BOOST_TEST(state() == "true false");
  host.put_process({4711, 100, "0e2c8c5e", "ws"});  // a reused pid
  BOOST_TEST(state() == "true false");
  host.put_process({4711, 99, "0e2c8c5e", "ws"});
  BOOST_TEST(state() == "true true");
}

BOOST_AUTO_TEST_CASE(a_file_that_setup_did_not_write_here_is_not_installed) {
  RecordedHost host;
  const std::vector<Job> jobs{user_job(host)};
  const auto installed = [&](const std::string& more) {
    host.put("/home/ann/.config/holdfast/tunnels/web.conf",
             "port = 2222\nbastion = gate@bastion\nbackend = nohup\n" + more, 0600);
    return nohup_backend().query(jobs, host).value().front().installed;
  };
  BOOST_TEST(!installed(""));
  BOOST_TEST(installed("runtime-dir = /tmp/holdfast-1000\n"));
  const auto record = [&](const std::string& tunnel) {
    host.put(
        "/home/ann/.local/state/holdfast/ws/installed.json",
        fmt::format(R"({{"tunnels":["{}"],"directories":[],"linger_turned_on":false,"linger_needed_by":[]}})", tunnel),
        0600);
  };
  record("other");
  BOOST_TEST(!installed("runtime-dir = /tmp/holdfast-1000\n"));
  record("web");
  BOOST_TEST(installed(""));
}

BOOST_AUTO_TEST_SUITE_END()
