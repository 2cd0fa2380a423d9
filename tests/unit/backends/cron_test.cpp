// The cron backend: its assessment of a host, and its plans.
#include "backends/cron_host.hpp"
#include "backends/host/pam.hpp"
#include "backends/registry.hpp"
#include "backends/text/marked_block.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/ranges.h>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

const std::string k_pidfile = "/tmp/holdfast-1000/web.pid";
const std::string k_mark = "/home/ann/.local/state/holdfast/ws/web.stopped";
const std::string k_start =
    "start in the background /home/ann/.local/bin/holdfast run web and write its pid to " + k_pidfile;

}  // namespace

BOOST_AUTO_TEST_SUITE(cron)

BOOST_AUTO_TEST_CASE(cron_needs_a_running_daemon_and_crontab) {
  auto host = host_with_cron();
  BOOST_TEST(fitness(host) == "within:60s/yes/yes");
  host.answer("crontab -l", "5 5 5 5 5 x\n");
  BOOST_TEST(fitness(host) == "within:60s/yes/yes");
  host.unlock("/run/crond.pid");
  BOOST_TEST(fitness(host) == "no cron daemon is running");
  const auto remedy = [&] { return cron_backend().assess(host).remedy.value_or("none"); };
  BOOST_TEST(remedy() == "none");  // a command that does not exist helps nobody
  host.put_program("apk");
  BOOST_TEST(remedy() == "sudo apk add cronie");
  host.put_program("apt-get");
  BOOST_TEST(remedy() == "sudo apt-get install cron");
  host.put("/etc/init.d/cron", "");
  BOOST_TEST(remedy() == "sudo service cron start");
  host.put_directory("/run/systemd/system", 0755, 0);
  host.put("/usr/lib/systemd/system/cronie.service", "");
  BOOST_TEST(remedy() == "sudo systemctl enable --now cronie");
  host.put("/usr/lib/systemd/system/crond.service", "");
  BOOST_TEST(remedy() == "sudo systemctl enable --now crond");
  host.forget("/usr/bin/crontab");
  BOOST_TEST(fitness(host) == "crontab is not installed");
}

BOOST_AUTO_TEST_CASE(another_cron_is_named_with_a_remedy_that_exists) {
  auto host = host_with_cron();
  host.unlock("/run/crond.pid");
  host.put_directory("/run/systemd/system", 0755, 0);
  host.put_program("apt-get");
  host.put("/usr/lib/systemd/system-generators/systemd-crontab-generator", "");
  BOOST_TEST(fitness(host) == "systemd-cron is not supported: nothing shows whether it runs");
  BOOST_TEST(cron_backend().assess(host).remedy.value() == "sudo apt-get install cron");
  host.forget("/usr/lib/systemd/system-generators/systemd-crontab-generator");
  host.put_program("bcron-sched");
  BOOST_TEST(fitness(host).starts_with("bcron is not supported"));
  host.forget("/usr/bin/bcron-sched");
  host.put_program("fcron");
  BOOST_TEST(fitness(host).starts_with("fcron is not supported"));
}

BOOST_AUTO_TEST_CASE(the_reason_names_a_denied_user_or_a_timeout) {
  auto host = host_with_cron();
  host.answer("crontab -l", os::Completed{1, false, "", "You (ann) are not allowed to use this program (crontab)\n"});
  BOOST_TEST(fitness(host) == "you are not allowed to use cron (/etc/cron.allow, /etc/cron.deny)");
  host.answer("crontab -l", os::Completed{143, true, "", ""});
  BOOST_TEST(fitness(host) == "reading your crontab: crontab did not answer within 2 s (see: crontab -l)");
  host.answer("crontab -l", os::Completed{1, false, "", "must be suid\x1b[m\nmore\n"});
  BOOST_TEST(fitness(host) == R"(reading your crontab: must be suid\x1b[m)");
}

BOOST_AUTO_TEST_CASE(cron_restarts_a_tunnel_that_logind_killed) {
  auto host = host_with_cron();
  host.answer(k_logind, "b true\nas 0\nas 0\n");
  BOOST_TEST(fitness(host) == "within:60s/within:60s/yes");
}

BOOST_AUTO_TEST_CASE(cron_is_unavailable_if_logind_kills_its_jobs) {
  auto host = host_with_cron();
  host.answer(k_logind, "b true\nas 0\nas 0\n");
  host.put("/etc/pam.d/crond", "# rhel\nsession    required   pam_loginuid.so\nsession include system-auth\n");
  host.put("/etc/pam.d/system-auth", "-session   optional   pam_systemd.so\n");
  BOOST_TEST(fitness(host).starts_with("logind kills every process of a cron job"));
  host.answer(k_logind, "b false\nas 0\nas 0\n");
  BOOST_TEST(fitness(host) == "within:60s/yes/yes");
}

BOOST_AUTO_TEST_CASE(pam_includes_and_comments_are_parsed) {
  RecordedHost host;
  const auto opens = [&](const std::string& text) {
    host.put("/etc/pam.d/cron", text);
    return opens_logind_session("cron", host);
  };
  host.put("/etc/pam.d/common", "session required pam_unix.so\n-session\toptional\tpam_systemd.so\n");
  host.put("/etc/pam.d/loop", "@include loop\nsession include loop\n");
  BOOST_TEST(opens("@include common\n"));
  BOOST_TEST(opens("session [success=1 default=ignore] substack common\nsession substack common\n"));
  BOOST_TEST(opens("session optional /lib/security/pam_systemd.so class=none # x\n"));
  BOOST_TEST(!opens("# @include common\naccount include common\nauth required pam_systemd.so\n@include loop\n"));
  BOOST_TEST(!opens_logind_session("../cron", host));
}

BOOST_AUTO_TEST_CASE(the_lines_start_the_tunnel_at_boot_and_every_minute) {
  auto host = host_with_cron();
  const auto plan = cron_backend().install(user_job(host), host).value();
  const std::string command =
      "/bin/sh -c 'PATH=/usr/bin:/bin:$PATH; unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME; "
      "d=/tmp/holdfast-1000; mkdir -m 700 $d 2>/dev/null; test ! -L $d && test -O $d && exec "
      "9>$d/.cron.lock && { flock -n 9 2>/dev/null || test $? -ne 1 || exit 0; }; test -x \"$0\" && exec env \"$@\"' "
      "/home/ann/.local/bin/holdfast HOME=/home/ann /home/ann/.local/bin/holdfast ensure web\n";
  BOOST_TEST(
      lines_of(plan) ==
      "# Starts these tunnels at boot, and again within a minute if they are not running. A job of cron waits for "
      "HOME.\nHOME=/\n@reboot " +
          command + "* * * * * " + command + "HOME=/home/ann\n");
  require_outline(cron_backend().prove(user_job(host), host),
                  {"test that your crontab accepts the lines of tunnel web, then restore it"});
}

BOOST_AUTO_TEST_CASE(hostile_values_are_quoted) {
  auto host = host_with_cron();
  auto job = user_job(host);
  job.argv = {"/home/ann/my %bin/it's;holdfast", "run", "--user", "web"};
  job.environment = {{"HOME", "/home/a b"},
                     {"PATH", "/usr/bin:$(id)"},
                     {"XDG_RUNTIME_DIR", "/run/user/1000"},
                     {"XDG_CONFIG_HOME", "/x\\y"}};
  const auto lines = lines_of(cron_backend().install(job, host).value());
  BOOST_TEST(lines.ends_with(
      " '/home/ann/my \\%bin/it'\\''s;holdfast' HOME='/home/a b' PATH='/usr/bin:$(id)' "
      "XDG_CONFIG_HOME='/x\\''y' '/home/ann/my \\%bin/it'\\''s;holdfast' ensure --user web\nHOME=/home/a b\n"));
  job.environment["PATH"] = "/usr/bin\n* * * * * evil";
  BOOST_TEST(cron_backend().install(job, host).error().cause == "it contains a control byte");
  job.environment["PATH"] = std::string(1000, 'x');
  BOOST_TEST(cron_backend().install(job, host).error().cause.ends_with("bytes; cron's limit is 998"));
  job.argv = {"holdfast", "run", "web"};
  BOOST_TEST(cron_backend().install(job, host).has_error());
}

BOOST_AUTO_TEST_CASE(stop_writes_a_mark_that_start_removes) {
  const auto host = host_with_cron();
  const auto job = user_job(host);
  require_outline(cron_backend().start(job, host), {"remove file " + k_mark, k_start});
  require_outline(cron_backend().stop(job, host),
                  {"write " + k_mark + " (0600)", "end the process with the pid in " + k_pidfile});
  require_outline(cron_backend().restart(job, host),
                  {"remove file " + k_mark, "end the process with the pid in " + k_pidfile, k_start});
  require_outline(cron_backend().remove(job.name, job.paths, host),
                  {"remove the lines of tunnel web from your crontab", "remove file " + k_mark,
                   "remove file /tmp/holdfast-1000/.cron.lock"});
}

BOOST_AUTO_TEST_CASE(a_running_tunnel_is_not_started_again) {
  auto host = host_with_cron();
  host.put(k_pidfile, "4711 99 0e2c8c5e ws\n", 0600);
  host.put_process({4711, 99, "0e2c8c5e", "ws"});
  require_outline(cron_backend().start(user_job(host), host), {"remove file " + k_mark});
}

BOOST_AUTO_TEST_CASE(one_crontab_command_answers_for_all_tunnels) {
  auto host = host_with_cron();
  std::vector<Job> jobs;
  for (const char* name : {"web", "b", "c"}) jobs.push_back(user_job(host, name));
  const auto state = [&] {
    std::string text;
    for (const auto& answer : cron_backend().query(jobs, host).value())
      text += fmt::format("{}{}{} ", answer.installed ? "i" : "-", answer.running ? "r" : "-",
                          answer.restarting ? "a" : "-");
    return text;
  };
  BOOST_TEST(state() == "--- --- --- ");
  host.put(jobs[0].argv.front(), "", 0755);
  std::string crontab;
  for (const auto& job : std::span(jobs).first(2))
    crontab = with_block(crontab, job.name.text(), lines_of(cron_backend().install(job, host).value()));
  host.answer("crontab -l", crontab);
  host.put(k_pidfile, "4711 99 0e2c8c5e ws\n", 0600);
  host.put_process({4711, 99, "0e2c8c5e", "ws"});
  BOOST_TEST(state() == "ir- i-a --- ");
  host.put("/home/ann/.local/state/holdfast/ws/b.stopped", "0e2c8c5e\n");
  BOOST_TEST(state() == "ir- i-- --- ");
  host.put("/home/ann/.local/state/holdfast/ws/b.stopped", "another boot\n");
  BOOST_TEST(state() == "ir- i-a --- ");
  host.unlock("/run/crond.pid");
  BOOST_TEST(state() == "ir- i-- --- ");
  host.answer("crontab -l", os::Completed{143, true, "", ""});
  BOOST_TEST(cron_backend().query(jobs, host).has_error());
}

BOOST_AUTO_TEST_CASE(a_query_names_what_is_wrong_with_the_lines) {
  auto host = host_with_cron();
  auto job = user_job(host);
  host.put(job.argv.front(), "", 0755);
  const auto lines = lines_of(cron_backend().install(job, host).value());
  const auto find_problems = [&](const std::string& text) {
    host.answer("crontab -l", with_block("", "web", text));
    const auto answer = cron_backend().query({&job, 1}, host).value().front();
    BOOST_TEST(survival(limited_by({{Survival::Kind::yes, {}}, {Survival::Kind::yes, {}}, {Survival::Kind::yes, {}}},
                                   answer)) == (answer.problems.empty() ? "yes/yes/yes" : "no/yes/no"));
    return fmt::format("{}", fmt::join(answer.problems, "; "));
  };
  const std::string differ = "its lines in your crontab differ from what setup writes";
  BOOST_TEST(find_problems(lines) == "");
  job.environment["PATH"] = "/bin";
  BOOST_TEST(find_problems(lines) == "", "another login has other variables");
  const auto watchdog = lines.rfind("* * * * *");
  BOOST_TEST(find_problems(lines.substr(0, watchdog)) == differ);
  BOOST_TEST(find_problems(lines.substr(0, watchdog) + "#" + lines.substr(watchdog)) == differ);
  BOOST_TEST(find_problems(lines.substr(0, watchdog) + "0 * * * *" + lines.substr(watchdog + 9)) == differ);
  auto other = job;
  other.argv.front() = "/opt/it's 50%/holdfast";
  const auto with_other = lines_of(cron_backend().install(other, host).value());
  BOOST_TEST(find_problems(with_other) == "the program /opt/it's 50%/holdfast is gone");
  host.put(other.argv.front(), "", 0755);
  BOOST_TEST(find_problems(with_other) == "");
  host.answer("crontab -l", "5 5 5 5 5 x\n");
  const auto answer = cron_backend().query({&job, 1}, host).value().front();
  BOOST_TEST((answer.problems == std::vector<std::string>{"its lines are missing from your crontab"}));
}

BOOST_AUTO_TEST_CASE(survives_reflects_the_present_state) {
  auto host = host_with_cron();
  const auto job = user_job(host);
  const auto now = [&] { return survival(cron_backend().survives(job, host)); };
  host.put(k_pidfile, "4711 99 0e2c8c5e ws\n", 0600);
  host.put_process({4711, 99, "0e2c8c5e", "ws"});
  host.put("/proc/4711/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
  BOOST_TEST(now() == "within:60s/yes/yes");
  host.answer(k_logind, "b true\nas 0\nas 0\n");
  BOOST_TEST(now() == "within:60s/within:60s/yes");
  host.put("/proc/4711/cgroup", "0::/system.slice/cron.service\n");
  BOOST_TEST(now() == "within:60s/yes/yes");
  host.unlock("/run/crond.pid");
  BOOST_TEST(now() == "no/yes/no");
}

BOOST_AUTO_TEST_SUITE_END()
