// What status reads about the unit of a tunnel, and how setup repairs it.
#include "backends/odd_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"
#include "backends/text/unit.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/ranges.h>

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

const std::string k_unit = "/home/ann/.config/systemd/user/holdfast-web.service";
const std::string k_wants = "/home/ann/.config/systemd/user/default.target.wants";

OddHost host_with_system_unit() {
  OddHost host;
  host.me = {0, 0, "root", "/root"};
  host.put_directory("/run/systemd/system", 0755, 0);
  for (const char* directory : {"/", "/usr", "/usr/local", "/usr/local/bin"}) host.put_directory(directory, 0755, 0);
  host.put("/usr/local/bin/holdfast", "", 0755, 0);
  host.put("/etc/systemd/system/holdfast-web.service",
           render_unit(system_job(host), "systemd-system.service", host).value(), 0644, 0);
  host.put_special("/etc/systemd/system/multi-user.target.wants/holdfast-web.service", os::FileKind::symlink);
  host.answer("systemctl show --no-pager", "");
  return host;
}

// The files that systemd 252 has.
const std::string k_rescue_target = "[Unit]\nDescription=Rescue Mode\nRequires=sysinit.target rescue.service\n";
const std::string k_multi_user_target =
    "[Unit]\nDescription=Multi-User System\nRequires=basic.target\nConflicts=rescue.service rescue.target\n";

void put_targets(RecordedHost& host) {
  const std::string vendor = "/usr/lib/systemd/system/";
  const std::string graphical =
      "[Unit]\nDescription=Graphical Interface\nRequires=multi-user.target\nWants=display-manager.service\n";
  host.put(vendor + "multi-user.target", k_multi_user_target, 0644, 0);
  host.put(vendor + "graphical.target", graphical, 0644, 0);
  host.put(vendor + "default.target", graphical, 0644, 0);
}

std::string problems_of(const Backend& backend, const Job& job, const os::Host& host) {
  auto answer = backend.query({&job, 1}, host).value().front();
  auto& all = answer.problems;
  all.insert(all.end(), answer.obstacles.begin(), answer.obstacles.end());
  return fmt::format("{}", fmt::join(all, "; "));
}

std::string text_of(const Survives& survives) {
  return fmt::format("{}/{}/{}", survives.crash.text(), survives.logout.text(), survives.reboot.text());
}

/// What status claims about the installed job, and setup about a new one.
std::string claim_of(const Backend& backend, const Job& job, const os::Host& host) {
  const auto answer = backend.query({&job, 1}, host).value().front();
  return text_of(limited_by(backend.survives(job, host), answer)) + " " + text_of(backend.assess(host).survives);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(installed_unit)

BOOST_AUTO_TEST_CASE(one_command_answers_for_all_tunnels) {
  auto host = host_with_manager();
  host.answer("systemctl --user show",
              "Id=holdfast-a.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\n"
              "Id=holdfast-b.service\nActiveState=activating\nSubState=auto-restart\n\n"
              "Id=holdfast-c.service\nActiveState=failed\nSubState=failed\n\n"
              "Id=holdfast-e.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n");
  for (const char* name : {"a", "b", "c", "d"})
    host.put(fmt::format("/home/ann/.config/systemd/user/holdfast-{}.service", name), "");
  std::vector<Job> jobs;
  for (const char* name : {"a", "b", "c", "d", "e"}) jobs.push_back(user_job(host, name));
  const auto answers = systemd_user_backend().query(jobs, host).value();
  std::string state;
  for (const auto& answer : answers)
    state +=
        fmt::format("{}{}{} ", answer.installed ? "i" : "-", answer.running ? "r" : "-", answer.restarting ? "a" : "-");
  BOOST_TEST(state == "ir- ira i-- i-- --- ");
}

BOOST_AUTO_TEST_CASE(a_query_names_what_is_wrong_with_the_installation) {
  const auto all = [](const Registration& answer) {
    return fmt::format("{}{}{}", fmt::join(answer.problems, "; "), answer.restarts ? "" : " (stays down)",
                       answer.starts ? "" : " (never starts)");
  };
  const std::string program = "/home/ann/.local/bin/holdfast";
  const std::string command = "{ path=" + program + " ; argv[]=" + program + " run web ; ignore_errors=no ; }";
  std::map<std::string, std::string> sound{
      {"Id", "holdfast-web.service"}, {"LoadState", "loaded"},      {"ActiveState", "active"},
      {"SubState", "running"},        {"UnitFileState", "enabled"}, {"ExecStart", command},
      {"Restart", "always"},          {"DropInPaths", ""},          {"NeedDaemonReload", "no"}};
  auto host = host_with_manager();
  const std::vector<Job> jobs{user_job(host)};
  const auto unit = render_unit(jobs.front(), "systemd-user.service", host).value();
  const auto find_problems = [&](std::map<std::string, std::string> properties) {
    for (const auto& [key, value] : sound) properties.try_emplace(key, value);
    std::string shown;
    for (const auto& [key, value] : properties) shown += key + "=" + value + "\n";
    host.answer("systemctl --user show --no-pager", shown);
    return all(systemd_user_backend().query(jobs, host).value().front());
  };
  host.put(program, "", 0755);
  host.put(k_unit, unit);
  host.put_special(k_wants + "/holdfast-web.service", os::FileKind::symlink);
  BOOST_TEST(find_problems({}) == "");
  BOOST_TEST(find_problems({{"UnitFileState", "disabled"}}) == "its unit is disabled (never starts)");
  BOOST_TEST(find_problems({{"UnitFileState", "masked"}}) == "its unit is masked (stays down) (never starts)");
  BOOST_TEST(find_problems({{"UnitFileState", "masked-runtime"}, {"LoadState", "masked"}}) ==
             "its unit is masked until the next boot (stays down)");
  BOOST_TEST(find_problems({{"Restart", "no"}}) == "its unit has Restart=no (stays down)");
  BOOST_TEST(find_problems({{"NeedDaemonReload", "yes"}}) == "systemd has not read its changed unit file yet");
  BOOST_TEST(find_problems({{"LoadState", "not-found"}, {"UnitFileState", ""}}) ==
             "systemd has not found its unit file yet (stays down) (never starts)");
  BOOST_TEST(find_problems({{"ExecStart", "{ path=/bin/true ; argv[]=/bin/true ; }"}, {"DropInPaths", "/d/o.conf"}}) ==
             "a drop-in changes its command: /d/o.conf (stays down) (never starts)");
  BOOST_TEST(find_problems({{"ActiveState", "failed"}, {"SubState", "failed"}, {"Result", "exit-code"}}) ==
             "its supervisor ended with an error, and systemd does not start it again: holdfast logs web (stays down) "
             "(never starts)");
  BOOST_TEST(find_problems({{"ActiveState", "failed"}, {"Result", "timeout"}}) == "", "it was stopped");
  BOOST_TEST(find_problems({{"ExecStartPre", "{ path=/bin/false ; }"}, {"DropInPaths", "/d/o.conf"}}) ==
             "a drop-in runs a command before it: /d/o.conf (stays down) (never starts)");
  host.put("/d/o.conf", "[Unit]\nConditionPathExists=/gone\n");
  BOOST_TEST(find_problems({{"DropInPaths", "/d/o.conf"}}) ==
             "a drop-in may keep it from starting: /d/o.conf (ConditionPathExists=/gone) (stays down) (never starts)");
  host.put("/d/o.conf", "[Service]\nTimeoutStopFailureMode=abort\n");
  BOOST_TEST(find_problems({{"DropInPaths", "/d/o.conf"}}) == "", "distributions have such");
  // Setup ran in another login, and another program was installed.
  const std::string other = "/opt/50%/holdfast";
  auto text = unit;
  for (auto at = text.find(program); at != std::string::npos; at = text.find(program, at))
    text.replace(at, program.size(), "/opt/50%%/holdfast");
  host.put(k_unit, text + "Environment=\"LANG=C\"\n");
  const auto with_other = "{ path=" + other + " ; argv[]=" + other + " run web ; ignore_errors=no ; }";
  BOOST_TEST(find_problems({{"ExecStart", with_other}}) ==
             "the program /opt/50%/holdfast is gone (stays down) (never starts)");
  host.put(other, "", 0755);
  BOOST_TEST(find_problems({{"ExecStart", with_other}}) == "");
  host.put(k_unit, unit + "Nice=5\n");
  BOOST_TEST(find_problems({}) == "its unit file " + k_unit + " differs from what setup writes");
  host.put(k_unit, unit);
  host.forget(k_wants + "/holdfast-web.service");
  BOOST_TEST(find_problems({}) == "its unit is disabled (never starts)");
  host.forget(k_unit);
  BOOST_TEST(find_problems({}) == "its unit file " + k_unit + " is missing (stays down) (never starts)");
}

BOOST_AUTO_TEST_CASE(a_program_that_cannot_be_executed_is_a_problem) {
  OddHost host(host_with_manager());
  const auto job = user_job(host);
  const auto program = job.argv.front();
  host.put(k_unit, render_unit(job, "systemd-user.service", host).value());
  host.put_special(k_wants + "/holdfast-web.service", os::FileKind::symlink);
  const auto problems = [&] { return problems_of(systemd_user_backend(), job, host); };
  host.answer("systemctl --user show --no-pager", "");
  host.put(program, "", 0755);
  BOOST_TEST(problems() == "");
  host.put(program, "", 0644);
  BOOST_TEST(problems() == "the program " + program + " cannot be started: you may not execute it");
  host.forget(program);
  BOOST_TEST(problems() == "the program " + program + " is gone");
}

BOOST_AUTO_TEST_CASE(a_program_that_the_tunnels_user_cannot_execute_is_a_problem) {
  auto host = host_with_system_unit();
  auto job = system_job(host);
  job.run_as = os::User{0, 0, "ann", {}};  // status knows the name only
  host.other = os::User{1000, 1000, "ann", "/home/ann"};
  host.answer("id -G -- ann", "1000 1500\n");
  const auto problems = [&] { return problems_of(systemd_system_backend(), job, host); };
  const std::string program = "/usr/local/bin/holdfast";
  for (const uid_t uid : {0U, 1000U, 1001U}) {
    host.me.uid = uid;
    for (const char* directory : {"/", "/usr", "/usr/local", "/usr/local/bin"}) host.put_directory(directory, 0755, 0);
    host.put(program, "", 0755, 0);
    BOOST_TEST(problems() == "");
    host.put(program, "", 0700, 0);
    BOOST_TEST(problems() ==
               "the program " + program + " cannot be started: ann may not execute it (chmod 755 " + program + ")");
    host.put(program, "", 0755, 0);
    host.put_directory("/usr/local", 0700, 0);
    BOOST_TEST(problems() ==
               "the program " + program + " cannot be started: ann may not enter /usr/local (chmod 755 /usr/local)");
    host.put_directory("/usr/local", 0755, 0);
    host.forget(program);
    BOOST_TEST(problems() == "the program " + program + " is gone");
  }
  host.put_directory("/usr/local", 0700, 0);
  BOOST_TEST(problems() == "", "an ordinary user cannot see the program");
}

BOOST_AUTO_TEST_CASE(what_keeps_systemd_from_starting_units_at_boot_is_a_problem) {
  OddHost host(host_with_manager());
  const auto job = user_job(host);
  host.put(job.argv.front(), "", 0755);
  host.put(k_unit, render_unit(job, "systemd-user.service", host).value());
  host.put_special(k_wants + "/holdfast-web.service", os::FileKind::symlink);
  host.answer("systemctl --user show --no-pager", "");
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  const auto claim = [&] { return claim_of(systemd_user_backend(), job, host); };
  BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes");
  for (const std::string unit : {"user@1000.service", "user@.service", "systemd-logind.service"}) {
    host.put_special("/etc/systemd/system/" + unit, os::FileKind::symlink);
    BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes", "it is a file or a link to one");
    host.put_mask("/etc/systemd/system/" + unit);
    BOOST_TEST(claim() == "yes/yes/no yes/yes/no");
    BOOST_TEST(problems_of(systemd_user_backend(), job, host) ==
               "systemd does not start it at boot: " + unit + " is masked: sudo systemctl unmask " + unit);
    BOOST_TEST(systemd_user_backend().assess(host).remedy.value_or("") == "sudo systemctl unmask " + unit);
    host.remove_mask("/etc/systemd/system/" + unit);
    host.put_mask("/run/systemd/system/" + unit);
    BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes", "it is gone after a boot");
  }
  put_targets(host);
  BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes");
  host.put("/etc/systemd/system/default.target", k_rescue_target);
  BOOST_TEST(claim() == "yes/yes/no yes/yes/no");
}

BOOST_AUTO_TEST_CASE(a_default_target_that_starts_no_services_is_a_problem) {
  auto host = host_with_system_unit();
  host.put_program("systemctl");
  const auto job = system_job(host);
  const auto claim = [&] { return claim_of(systemd_system_backend(), job, host); };
  BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes", "nothing tells");
  put_targets(host);
  BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes", "graphical.target");
  const std::string link = "/etc/systemd/system/default.target";
  host.put(link, k_multi_user_target);
  BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes");
  host.put(link, k_rescue_target);
  BOOST_TEST(claim() == "yes/yes/no yes/yes/no");
  BOOST_TEST(problems_of(systemd_system_backend(), job, host) ==
             "systemd does not start it at boot: this machine's default target does not start multi-user.target: sudo "
             "systemctl set-default multi-user.target");
  BOOST_TEST(systemd_system_backend().assess(host).remedy.value_or("") ==
             "sudo systemctl set-default multi-user.target");
  host.put(link, "[Unit]\nWants=kiosk.target other.service\n");
  BOOST_TEST(claim() == "yes/yes/no yes/yes/no");
  host.put("/etc/systemd/system/kiosk.target", "[Unit]\nRequires = graphical.target\n");
  BOOST_TEST(claim() == "yes/yes/yes yes/yes/yes", "a target of this machine's own");
  host.put("/etc/systemd/system/kiosk.target", "[Unit]\nRequires=kiosk.target\n");
  BOOST_TEST(claim() == "yes/yes/no yes/yes/no");
}

BOOST_AUTO_TEST_CASE(linger_that_was_switched_off_is_a_problem) {
  auto host = host_with_manager();
  host.answer("systemctl --user show --no-pager", "");
  std::vector<Job> jobs{user_job(host)};
  const auto has_problem = [&] {
    return std::ranges::count(systemd_user_backend().query(jobs, host).value().front().problems,
                              "linger is off: your user manager ends when you log out") == 1;
  };
  BOOST_TEST(!has_problem(), "setup never turned it on");
  jobs.front().runtime_dir = "/run/user/1000/holdfast";
  BOOST_TEST(has_problem());
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  BOOST_TEST(!has_problem());
}

BOOST_AUTO_TEST_CASE(install_takes_the_command_out_of_drop_ins) {
  auto host = host_with_manager();
  host.put(k_unit + ".d/override.conf", "[Service]\nExecStart=\nExecStart=/bin/true\n");
  host.put(k_unit + ".d/nice.conf", "[Service]\nExecStart=/bin/true\nNice=5\n");
  const auto plan = systemd_user_backend().install(user_job(host), host).value();
  const auto lines = outline(plan);
  const auto has = [&](const std::string& line) { return std::ranges::count(lines, line) == 1; };
  BOOST_TEST(has("remove file " + k_unit + ".d/override.conf"));
  BOOST_TEST(has("write " + k_unit + ".d/nice.conf (0644)"));
  for (const auto& step : plan)
    if (const auto* file = std::get_if<WriteFile>(&step); file != nullptr && file->path.filename() == "nice.conf")
      BOOST_TEST(file->bytes == "[Service]\nNice=5\n");
}

BOOST_AUTO_TEST_SUITE_END()
