// What the cron backend claims where cron does not run the lines.
#include "backends/cron_host.hpp"
#include "backends/odd_host.hpp"

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

BOOST_AUTO_TEST_SUITE(cron_claims)

BOOST_AUTO_TEST_CASE(a_cron_that_does_not_start_at_boot_is_named) {
  OddHost host(host_with_cron());
  host.put_directory("/run/systemd/system", 0755, 0);
  const std::string vendor = "/usr/lib/systemd/system/";
  host.put(vendor + "cron.service", "");
  auto job = user_job(host);
  host.put(job.argv.front(), "", 0755);
  host.answer("crontab -l", with_block("", "web", lines_of(cron_backend().install(job, host).value())));
  const auto obstacles = [&] { return cron_backend().query({&job, 1}, host).value().front().obstacles; };
  BOOST_TEST(fitness(host) == "within:60s/yes/no");
  BOOST_TEST(cron_backend().assess(host).remedy.value_or("none") == "sudo systemctl enable cron");
  BOOST_TEST((obstacles() == std::vector<std::string>{
                                "cron does not start at boot: cron.service is disabled: sudo systemctl enable cron"}));
  BOOST_TEST(!cron_backend().query({&job, 1}, host).value().front().starts);
  for (const std::string& directory : {std::string("/etc/systemd/system/"), vendor}) {
    const auto link = directory + "multi-user.target.wants/cron.service";
    host.put_special(link, os::FileKind::symlink);
    BOOST_TEST(fitness(host) == "within:60s/yes/yes");
    BOOST_TEST(obstacles().empty());
    host.put_mask("/etc/systemd/system/cron.service");
    BOOST_TEST(fitness(host) == "within:60s/yes/no");
    BOOST_TEST((obstacles() == std::vector<std::string>{"cron does not start at boot: cron.service is masked: sudo "
                                                       "systemctl unmask cron.service"}));
    host.remove_mask("/etc/systemd/system/cron.service");
    host.put(vendor + "multi-user.target", "[Unit]\nRequires=basic.target\n");
    host.put("/etc/systemd/system/default.target", "[Unit]\nRequires=sysinit.target rescue.service\n");
    BOOST_TEST(fitness(host) == "within:60s/yes/no");
    BOOST_TEST(obstacles().size() == 1U);
    host.forget("/etc/systemd/system/default.target");
    host.forget(link);
  }
  host.forget(vendor + "cron.service");
  BOOST_TEST(obstacles().empty(), "nothing tells");
}

BOOST_AUTO_TEST_CASE(a_stopped_cron_runs_nothing) {
  auto host = host_with_cron();
  const auto job = put_tunnel(host);
  BOOST_TEST(claim(host, job) == "within:60s/yes/yes");
  host.put("/proc/4/stat", "4 (cron) S 1 4");
  BOOST_TEST(claim(host, job) == "within:60s/yes/yes");
  host.put("/proc/4/stat", "4 (cron) T 1 4");
  const std::string text = "the cron daemon is stopped (SIGSTOP, a debugger or a frozen control group)";
  BOOST_TEST(claim(host, job) == "no/yes/no " + text + ": sudo kill -CONT 4");
  BOOST_TEST(fitness(host) == text);
  host.unlock("/run/crond.pid");
  BOOST_TEST(claim(host, job) == "no/yes/no no cron daemon is running");
}

BOOST_AUTO_TEST_CASE(a_shell_that_runs_no_commands_is_named) {
  auto host = host_with_cron();
  for (const char* shell : {"bash", "false", "own-shell"}) host.put_program(shell);
  host.answer("/usr/bin/own-shell -c /bin/sh -c 'echo $((111*111))'", "12321\n");
  const auto find_claim = [&](const std::string& above, const std::string& below = {}) {
    const auto job = put_tunnel(host, above, below);
    return claim(host, job);
  };
  const std::string sound = "within:60s/yes/yes";
  const std::string remedy = ": move that line below the lines of holdfast (crontab -e)";
  BOOST_TEST(find_claim("SHELL=/usr/bin/bash\n") == sound);
  BOOST_TEST(find_claim("SHELL=/usr/bin/own-shell\n") == sound);
  BOOST_TEST(find_claim("SHELL=/usr/bin/false\nSHELL=/usr/bin/bash\n") == sound);
  BOOST_TEST(find_claim("# SHELL=/usr/bin/false\n5 5 * * * env SHELL=/usr/bin/false x\n") == sound);
  BOOST_TEST(find_claim("SHELL=/usr/bin/bash\n# >>> holdfast web >>> is no block\n") == sound);
  BOOST_TEST(find_claim("PATH=/none\nMAILTO=ann\nHOME=/none\nXDG_CONFIG_HOME=/none\n") == sound);
  const std::string runs_none = "no/yes/no SHELL=/usr/bin/false in your crontab runs no commands" + remedy;
  BOOST_TEST(find_claim("SHELL=/usr/bin/false\n") == runs_none);
  BOOST_TEST(find_claim("  \"SHELL\" = '/usr/bin/false' \r\n5 5 * * * x\n") == runs_none);
  BOOST_TEST(fitness(host) == "SHELL=/usr/bin/false in your crontab runs no commands");
  BOOST_TEST(find_claim("", "SHELL=/usr/bin/false\n") == sound, "it applies to lines below it");
  for (const std::string none : {"/usr/bin/none", "bash", ""})
    BOOST_TEST(find_claim("SHELL=" + none + "\n") ==
               "no/yes/no SHELL=" + none + " in your crontab is no program that cron can start" + remedy);
}

BOOST_AUTO_TEST_CASE(an_account_that_pam_refuses_is_named) {
  OddHost host(host_with_cron());
  host.put_program("chage");
  const auto job = put_tunnel(host);
  const auto find_claim = [&](const std::string& account, const std::string& password) {
    host.answer("chage -l ann", "Last password change\t\t: Nov 28, 2026\nPassword expires\t\t: " + password +
                                    "\nPassword inactive\t\t: never\nAccount expires\t\t: " + account + "\n");
    return claim(host, job);
  };
  host.wall = std::chrono::sys_days(std::chrono::year(2026) / 11 / 28) + std::chrono::hours(12);
  const std::string sound = "within:60s/yes/yes";
  BOOST_TEST(find_claim("never", "never") == sound);
  BOOST_TEST(find_claim("Nov 29, 2026", "Nov 28, 2026") == sound);
  const std::string refused = "no/yes/no cron runs no jobs of yours: ";
  BOOST_TEST(find_claim("Nov 28, 2026", "never") ==
             refused + "the account ann expired on Nov 28, 2026: sudo chage -E -1 ann");
  BOOST_TEST(fitness(host) == "cron runs no jobs of yours: the account ann expired on Nov 28, 2026");
  BOOST_TEST(find_claim("never", "Nov 27, 2026") == refused + "the password of ann expired on Nov 27, 2026: passwd");
  BOOST_TEST(find_claim("never", "password must be changed") ==
             refused + "the password of ann must be changed: passwd");
  host.answer("chage -l ann", os::Completed{1, false, "", "chage: Permission denied.\n"});
  BOOST_TEST(claim(host, job) == sound, "an ordinary user may not know");
}

BOOST_AUTO_TEST_CASE(lines_that_may_not_be_read_are_not_missing) {
  auto host = host_with_cron();
  const auto job = user_job(host);
  host.answer("crontab -l", os::Completed{1, false, "", "You (ann) are not allowed to use this program (crontab)\n"});
  const auto answer = cron_backend().query({&job, 1}, host).value().front();
  BOOST_TEST(answer.installed);
  BOOST_TEST(answer.starts);
  BOOST_TEST(answer.restarts);
  BOOST_TEST(
      (answer.obstacles == std::vector<std::string>{"whether its lines are in your crontab is not known: you are "
                                                   "not allowed to use cron (/etc/cron.allow, /etc/cron.deny)"}));
}

BOOST_AUTO_TEST_SUITE_END()
