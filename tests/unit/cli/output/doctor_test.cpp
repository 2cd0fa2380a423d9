// The output of doctor: backends, host, bastion checks, and a recommendation.
#include "cli/output/doctor_output.hpp"
#include "cli/output/recommendation.hpp"
#include "cli/output/status_output.hpp"
#include "cli/output/table.hpp"

#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "core/text.hpp"
#include "store/tunnel_file.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;
using backends::AssessedBackend;
using backends::Fitness;
using Grade = Fitness::Grade;

namespace {

constexpr Survival k_no{};
constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_minute{Survival::Kind::within, std::chrono::seconds(60)};
constexpr Survives k_everything{k_yes, k_yes, k_yes};
constexpr Survives k_cron{k_minute, k_yes, k_yes};
constexpr Survives k_process{k_no, k_yes, k_no};
const std::string k_linger = "sudo loginctl enable-linger ann";

AssessedBackend system_backend() {
  return {&backends::systemd_system_backend(),
          {Grade::unavailable, {}, "only root can", "sudo holdfast setup …", k_everything}};
}
AssessedBackend manager_without_linger() {
  return {&backends::systemd_user_backend(),
          {Grade::degraded, Survives{k_yes, k_no, k_no}, "linger is off", k_linger, k_everything}};
}
AssessedBackend working_cron() { return {&backends::cron_backend(), {Grade::good, k_cron, "cron runs"}}; }
AssessedBackend no_cron() {
  return {&backends::cron_backend(), {Grade::unavailable, {}, "no cron", "sudo apt-get install cron", k_cron}};
}
AssessedBackend no_tmux() {
  return {&backends::tmux_backend(), {Grade::unavailable, {}, "tmux is not installed", "sudo apt-get install tmux"}};
}
AssessedBackend a_process() {
  return {&backends::nohup_backend(), {Grade::degraded, k_process, "a background process"}};
}

Findings findings() {
  Findings found;
  found.host.backends = {system_backend(), manager_without_linger(), working_cron(), no_tmux(), a_process()};
  found.choice = 2;
  found.recommendation = k_linger;
  found.usable = true;
  found.program = "/home/ann/.local/bin/holdfast";
  auto& facts = found.host.facts;
  facts.hostname = "ws";
  facts.system = "Debian GNU/Linux 12 (bookworm)";
  facts.kernel = "6.1.0-18-amd64";
  facts.booted_by_systemd = true;
  facts.user = {1000, 1000, "ann", "/home/ann"};
  facts.ssh = ssh::Client{"/usr/bin/ssh", {9, 2}};
  facts.user_manager = true;
  facts.linger = false;
  return found;
}

/// Counts the processes that would be started.
class CountingHost final : public RecordedHost {
 public:
  Result<os::Completed> run(const os::Command& command, std::chrono::milliseconds deadline) const override {
    ++started;
    return RecordedHost::run(command, deadline);
  }
  mutable int started = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor)

BOOST_AUTO_TEST_CASE(recommends_the_most_durable_improvement) {
  std::vector<AssessedBackend> all{system_backend(), manager_without_linger(), no_cron(), no_tmux(), a_process()};
  BOOST_TEST(recommendation(all, &all[4], Scope::user).value() == k_linger);
  all[2] = working_cron();
  BOOST_TEST(recommendation(all, &all[2], Scope::user).value() == k_linger);
  all[1].fitness = {Grade::unavailable, {}, "no manager"};
  BOOST_TEST(recommendation(all, &all[2], Scope::user).value() ==
             "sudo holdfast setup …");  // no user backend improves it
  all[2] = no_cron();
  BOOST_TEST(recommendation(all, &all[4], Scope::user).value() == "sudo apt-get install cron");
  all[1].fitness = {Grade::good, k_everything, "all is well"};
  BOOST_TEST(!recommendation(all, &all[1], Scope::user));
}

BOOST_AUTO_TEST_CASE(recommends_the_user_scope_without_systemd) {
  std::vector<AssessedBackend> all{{&backends::systemd_system_backend(), {Grade::unavailable, {}, "no systemd"}}};
  BOOST_TEST(!recommendation(all, nullptr, Scope::system));
  all.push_back(a_process());
  BOOST_TEST(recommendation(all, nullptr, Scope::system).value() == "holdfast setup --user …");
}

BOOST_AUTO_TEST_CASE(suggests_only_a_more_durable_backend) {
  const auto best = backends::ranked({a_process(), manager_without_linger(), working_cron()});
  BOOST_TEST(stronger_than(k_process, "nohup", best)->backend->name() == "cron");
  BOOST_TEST(stronger_than(k_cron, "cron", best) == nullptr);
  BOOST_TEST(stronger_than(k_cron, "systemd-user", best) == nullptr);
  BOOST_TEST(stronger_than(k_process, "nohup", backends::ranked({no_cron()})) == nullptr);
  BOOST_TEST(stronger_than(k_process, "nohup", {}) == nullptr);
}

BOOST_AUTO_TEST_CASE(prints_a_table_and_the_host_facts) {
  BOOST_TEST(host_text(findings(), false) ==
             "BACKEND         USABLE       CRASH        LOGOUT  REBOOT\n"
             "systemd-system  no           -            -       -\n"
             "  only root can\n"
             "systemd-user    with limits  yes          no      no\n"
             "  linger is off\n"
             "cron            yes          within 60 s  yes     yes\n"
             "  cron runs\n"
             "tmux            no           -            -       -\n"
             "  tmux is not installed\n"
             "nohup           with limits  no           yes     no\n"
             "  a background process\n"
             "\n"
             "auto takes cron: returns within 60 s after a crash, survives a logout and a\n"
             "           reboot\n"
             "stronger   sudo loginctl enable-linger ann\n"
             "holdfast   " HOLDFAST_VERSION
             ", /home/ann/.local/bin/holdfast\n"
             "ssh        OpenSSH 9.2, /usr/bin/ssh\n"
             "host       ws: Debian GNU/Linux 12 (bookworm), Linux 6.1.0-18-amd64, systemd, no\n"
             "           container\n"
             "user       ann (uid 1000); user manager: yes, linger: no, logind kills processes\n"
             "           at logout: unknown\n");
}

BOOST_AUTO_TEST_CASE(escapes_hostile_bytes) {
  auto found = findings();
  found.host.backends[1].fitness.reason = "cannot be reached: \x1b[2J";
  found.host.facts.hostname = "ws\x1b[2J";
  found.host.facts.container = "x\ny";
  found.host.facts.unresponsive_paths = {"/home/\x1b[2J"};
  BOOST_TEST(host_text(found, false).find('\x1b') == std::string::npos);
  BOOST_TEST(findings_json(found).find("u001B") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(prints_each_check_with_its_hint) {
  auto found = findings();
  found.bastion = "gate@bastion";
  found.checks = {{.what = "ssh found", .figure = "OpenSSH 9.2"},
                  {.what = "host key known",
                   .figure = {},
                   .failure = Diagnosis{FailureClass::host_key_unknown, "nobody knows it", "look at it"}},
                  {.what = "key accepted", .figure = {}, .skipped = true},
                  {.what = "local target x answering",
                   .figure = {},
                   .failure = Diagnosis{FailureClass::target_down, "it hangs up", ""},
                   .warning = true}};
  BOOST_TEST(checks_text(found, false) ==
             "ok       ssh found                 OpenSSH 9.2\n"
             "failed   host key known\n"
             "  nobody knows it\n"
             "  hint: look at it\n"
             "skipped  key accepted\n"
             "warning  local target x answering\n"
             "  it hangs up\n");
  BOOST_TEST(!found.checks_passed());
  const auto json = findings_json(found);
  BOOST_TEST(json.find(R"({"check":"host key known","outcome":"failed","figure":null,"class":"host-key-unknown",)"
                       R"("message":"nobody knows it","hint":"look at it"})") != std::string::npos);
  BOOST_TEST(json.find(R"({"check":"key accepted","outcome":"skipped","figure":null,"class":null,"message":null,)"
                       R"("hint":null})") != std::string::npos);
  found.checks.erase(found.checks.begin() + 1);
  BOOST_TEST(found.checks_passed());  // a skipped check or a warning is no failure
}

BOOST_AUTO_TEST_CASE(json_has_stable_keys) {
  auto found = findings();
  found.host.facts.system = "Debian GNU/Linux 12";
  const auto json = findings_json(found);
  BOOST_TEST(json.starts_with(
      R"({"backends":[{"name":"systemd-system","scope":"system","usable":false,"grade":"unavailable",)"
      R"("survives":{"crash":null,"logout":null,"reboot":null},"reason":"only root can","remedy":"sudo holdfast setup …"},)"
      R"({"name":"systemd-user","scope":"user","usable":true,"grade":"degraded",)"
      R"("survives":{"crash":"yes","logout":"no","reboot":"no"},"reason":"linger is off",)"));
  BOOST_TEST(json.find(R"("scope":"user","choice":"cron","advice":"sudo loginctl enable-linger ann","version":")") !=
             std::string::npos);
  BOOST_TEST(json.ends_with(R"("host":{"name":"ws","system":"Debian GNU/Linux 12","kernel":"6.1.0-18-amd64",)"
                            R"("container":null,"systemd":true,"user":"ann","uid":1000,"home":"/home/ann",)"
                            R"("user_manager":true,"linger":false,"kill_user_processes":null,"ssh":"9.2",)"
                            R"("ssh_program":"/usr/bin/ssh","hanging":[]},"bastion":null,"preflight":null})"));
}

BOOST_AUTO_TEST_CASE(wraps_at_spaces) {
  const auto lines = wrapped("  one two  three verylongword x ", 9);
  const std::vector<std::string> expected{"one two", "three", "verylongword", "x"};
  BOOST_TEST(lines == expected, boost::test_tools::per_element());
  BOOST_TEST(wrapped("→→→ →→→", 7).size() == 1U);
  BOOST_TEST(wrapped("", 7).empty());
}

// One logind query for each tunnel would be 200 processes.
BOOST_AUTO_TEST_CASE(the_status_of_many_tunnels_shares_queries) {
  for (const auto* backend : backends::all_backends()) {
    if (backend->scope() != Scope::user) continue;
    CountingHost host;
    host.put_user_manager();
    for (const char* program : {"crontab", "tmux", "screen"}) host.put_program(program);
    host.put_locked("/run/crond.pid");
    host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
    host.answer("systemctl --user show --no-pager", "");
    host.answer("crontab -l", "");
    host.me.name.clear();
    const auto paths = store::paths(Scope::user, host).value();
    std::vector<store::Entry> entries;
    for (int i = 0; i < 200; ++i) {
      const auto name = TunnelName::parse(fmt::format("t{}", i)).value();
      const auto text = fmt::format(
          "port = {}\nbackend = {}\nhost = ws\nruntime-dir = /tmp/holdfast-1000\n"
          "bastion = gate@bastion\n",
          3000 + i, backend->name());
      entries.push_back({name, store::parse_tunnel(name, text, name.text() + ".conf")});
    }
    std::vector<std::string> warnings;
    BOOST_TEST(tunnels::gather_status(entries, paths, host, warnings).size() == 200U);
    BOOST_TEST(host.started <= 3, backend->name() << " starts " << host.started);
  }
}

BOOST_AUTO_TEST_SUITE_END()
