// `auto` chooses the backend that survives most on this host.
#include "backends/registry.hpp"
#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/ranges.h>

#include <unistd.h>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

constexpr Survival k_no{};
constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_at_login{Survival::Kind::at_login, {}};
constexpr Survival within(int seconds) { return {Survival::Kind::within, std::chrono::seconds(seconds)}; }

const char* const k_logind_query = "busctl get-property org.freedesktop.login1 /org/freedesktop/login1";

/// Strongest first: "NAME=CRASH/LOGOUT/REBOOT" or "NAME=unavailable".
std::string order(const os::Host& host, Scope scope = Scope::user, const std::vector<std::string>& only = {}) {
  std::vector<std::string> rows;
  for (const auto& [backend, fitness] : rank(scope, host, only)) {
    const auto& s = fitness.survives;
    rows.push_back(fmt::format("{}={}", backend->name(),
                               fitness.grade == Fitness::Grade::unavailable
                                   ? "unavailable"
                                   : fmt::format("{}/{}/{}", s.crash.text(), s.logout.text(), s.reboot.text())));
  }
  return fmt::format("{}", fmt::join(rows, " "));
}

RecordedHost logged_in(const std::string& kill_user_processes = "b false\nas 0\nas 1 \"root\"\n") {
  RecordedHost host;
  host.put_user_manager();
  host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
  host.answer(k_logind_query, kill_user_processes);
  return host;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(reboot_counts_before_logout_before_crash) {
  BOOST_TEST(is_stronger({k_no, k_no, k_yes}, {k_yes, k_yes, k_no}));
  BOOST_TEST(is_stronger({k_no, k_yes, k_no}, {k_yes, k_no, k_no}));
  BOOST_TEST(is_stronger({k_yes, k_no, k_no}, {k_no, k_no, k_no}));
  BOOST_TEST(is_stronger({k_no, k_no, k_at_login}, {k_no, k_no, k_no}));
  BOOST_TEST(is_stronger({k_no, k_no, within(60)}, {k_no, k_no, k_at_login}));
  BOOST_TEST(is_stronger({k_no, k_no, within(10)}, {k_no, k_no, within(60)}));
  BOOST_TEST(is_stronger({k_no, k_no, k_yes}, {k_no, k_no, within(1)}));
  BOOST_TEST(!is_stronger({k_yes, k_yes, k_yes}, {k_yes, k_yes, k_yes}));
}

BOOST_AUTO_TEST_CASE(at_login_counts_less_than_surviving_unattended) {
  BOOST_TEST(is_stronger({k_no, k_yes, k_no}, {k_yes, k_at_login, k_at_login}));
  BOOST_TEST(is_stronger({k_yes, k_at_login, k_at_login}, {k_no, k_no, k_no}));
  BOOST_TEST(is_stronger({k_at_login, k_yes, k_at_login}, {k_no, k_yes, k_no}));
}

BOOST_AUTO_TEST_CASE(with_linger_systemd_user_survives_all) {
  auto host = logged_in();
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  BOOST_TEST(order(host) ==
             "systemd-user=yes/yes/yes nohup=no/yes/no cron=unavailable tmux=unavailable screen=unavailable");
}

BOOST_AUTO_TEST_CASE(linger_that_setup_may_turn_on_counts_as_on) {
  auto host = logged_in();
  host.answer("pkcheck --action-id org.freedesktop.login1.set-self-linger", "", 0);
  BOOST_TEST(order(host) ==
             "systemd-user=yes/yes/yes nohup=no/yes/no cron=unavailable tmux=unavailable screen=unavailable");
}

BOOST_AUTO_TEST_CASE(nohup_beats_systemd_user_without_linger) {
  auto host = logged_in();
  host.answer("pkcheck", "", 1);
  BOOST_TEST(order(host) ==
             "nohup=no/yes/no systemd-user=yes/at-login/at-login cron=unavailable tmux=unavailable screen=unavailable");
  const auto second = rank(Scope::user, host, {})[1].fitness;
  BOOST_TEST(second.remedy.value() == "sudo loginctl enable-linger ann");
}

BOOST_AUTO_TEST_CASE(systemd_user_is_strongest_if_logind_kills_processes) {
  auto host = logged_in("b true\nas 0\nas 1 \"root\"\n");
  host.answer("pkcheck", "", 1);
  BOOST_TEST(order(host) ==
             "systemd-user=yes/at-login/at-login nohup=no/no/no cron=unavailable tmux=unavailable screen=unavailable");
}

BOOST_AUTO_TEST_CASE(nohup_is_chosen_without_a_user_manager) {
  auto host = logged_in();
  host.forget("/run/user/1000/systemd/private");
  BOOST_TEST(order(host) ==
             "nohup=no/yes/no systemd-user=unavailable cron=unavailable tmux=unavailable screen=unavailable");
  BOOST_TEST(rank(Scope::user, host, {})[1].fitness.reason == "no systemd user manager is running for you");
}

BOOST_AUTO_TEST_CASE(a_login_by_ssh_is_suggested_only_after_su) {
  auto host = logged_in();
  host.forget("/run/user/1000/systemd/private");
  host.put_directory("/run/systemd/system", 0755, 0);
  const auto remedy = [&] { return rank(Scope::user, host, {})[1].fitness.remedy; };
  BOOST_TEST(!remedy());
  host.put("/proc/self/cgroup", "0::/user.slice/user-0.slice/session-1.scope\n");
  BOOST_TEST(remedy().value() == "log in by ssh instead of su or sudo");
}

BOOST_AUTO_TEST_CASE(linger_counts_as_off_if_polkit_does_not_answer) {
  auto host = logged_in();
  host.answer("pkcheck", os::Completed{143, true, "", ""});
  BOOST_TEST(order(host) ==
             "nohup=no/yes/no systemd-user=yes/at-login/at-login cron=unavailable tmux=unavailable screen=unavailable");
}

BOOST_AUTO_TEST_CASE(a_hanging_logind_counts_as_killing_processes) {
  auto host = logged_in();
  host.answer("pkcheck", "", 1);
  host.answer(k_logind_query, os::Completed{143, true, "", ""});
  const auto nohup = rank(Scope::user, host, {})[1].fitness;
  BOOST_TEST(nohup.survives.logout.text() == "no");
  BOOST_TEST(nohup.reason ==
             "a background process: logind did not answer within 2 s: it may kill all your processes at logout");
}

namespace {

/// A file system that hangs: a process that accesses it sleeps until it is killed.
class UnresponsiveHome final : public RecordedHost {
 public:
  os::FileStatus status(const fs::path& path) const override {
    while (path == "/run/user/1000") ::pause();
    return RecordedHost::status(path);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_hanging_file_system_disables_only_its_backends) {
  UnresponsiveHome host;
  host.put_user_manager();
  host.answer(k_logind_query, "b false\nas 0\nas 0\n");
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST(order(host) ==
             "nohup=no/yes/no systemd-user=unavailable cron=unavailable tmux=unavailable screen=unavailable");
  BOOST_TEST((std::chrono::steady_clock::now() - begin < std::chrono::seconds(5)));
  BOOST_TEST(rank(Scope::user, host, {})[1].fitness.reason.starts_with("it did not answer within 2 s"));
}

BOOST_AUTO_TEST_CASE(an_assessment_in_a_child_process_is_returned_completely) {
  auto host = logged_in();
  host.answer("pkcheck", "", 1);
  for (const auto& [backend, fitness] : assess_all(all_backends(), host)) {
    const auto directly = backend->assess(host);
    BOOST_TEST((fitness.grade == directly.grade), backend->name());
    BOOST_TEST((fitness.survives == directly.survives), backend->name());
    BOOST_TEST(fitness.reason == directly.reason, backend->name());
    BOOST_TEST((fitness.remedy == directly.remedy), backend->name());
    BOOST_TEST((fitness.with_remedy == directly.with_remedy), backend->name());
  }
}

BOOST_AUTO_TEST_CASE(a_hanging_manager_is_passed_over_with_its_reason) {
  auto host = logged_in();
  host.answer("systemctl --user show", os::Completed{143, true, "", ""});
  BOOST_TEST(order(host) ==
             "nohup=no/yes/no systemd-user=unavailable cron=unavailable tmux=unavailable screen=unavailable");
  BOOST_TEST(rank(Scope::user, host, {})[1].fitness.reason ==
             "your systemd user manager did not answer within 2 s (see: systemctl --user status)");
  host.answer("systemctl --user show", os::Completed{1, false, "", "Failed to connect to bus: \x1b[31mdown\nmore\n"});
  BOOST_TEST(rank(Scope::user, host, {})[1].fitness.reason ==
             R"(your systemd user manager cannot be reached: Failed to connect to bus: \x1b[31mdown)");
}

BOOST_AUTO_TEST_CASE(cron_is_strongest_without_linger) {
  auto host = logged_in();
  host.answer("pkcheck", "", 1);
  host.put_program("crontab");
  host.put_locked("/run/crond.pid");
  host.answer("crontab -l", os::Completed{1, false, "", "no crontab for ann\n"});
  BOOST_TEST(
      order(host) ==
      "cron=within:60s/yes/yes nohup=no/yes/no systemd-user=yes/at-login/at-login tmux=unavailable screen=unavailable");
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  BOOST_TEST(order(host) ==
             "systemd-user=yes/yes/yes cron=within:60s/yes/yes nohup=no/yes/no tmux=unavailable screen=unavailable");
}

BOOST_AUTO_TEST_CASE(equally_strong_backends_keep_the_documented_order) {
  auto host = logged_in();
  host.answer("pkcheck", "", 1);
  for (const char* program : {"screen", "tmux"}) host.put_program(program);
  BOOST_TEST(order(host) ==
             "tmux=no/yes/no screen=no/yes/no nohup=no/yes/no systemd-user=yes/at-login/at-login cron=unavailable");
}

BOOST_AUTO_TEST_CASE(the_choice_can_be_narrowed_by_name) {
  const auto host = logged_in();
  BOOST_TEST(order(host, Scope::user, {"nohup", "slurm"}) == "nohup=no/yes/no");
  BOOST_TEST(order(host, Scope::user, {"nothing"}).empty());
}

BOOST_AUTO_TEST_CASE(login_hook_is_chosen_only_if_named) {
  auto host = logged_in();
  host.environment["SHELL"] = "/bin/bash";
  const auto hooked = login_hook_backend().assess(host);
  BOOST_TEST(is_stronger(hooked.survives, nohup_backend().assess(host).survives));
  BOOST_TEST(order(host).find("login-hook") == std::string::npos);
  BOOST_TEST(order(host, Scope::user, {"login-hook"}) == "login-hook=at-login/yes/at-login");
  BOOST_TEST(order(host, Scope::user, {"nohup", "login-hook"}) == "login-hook=at-login/yes/at-login nohup=no/yes/no");
}

BOOST_AUTO_TEST_CASE(the_system_scope_has_only_systemd_system) {
  auto host = logged_in();
  BOOST_TEST(order(host, Scope::system) == "systemd-system=unavailable");
  host.me.uid = 0;
  host.put_directory("/run/systemd/system", 0755, 0);
  BOOST_TEST(order(host, Scope::system) == "systemd-system=yes/yes/yes");
}

BOOST_AUTO_TEST_CASE(backends_are_found_by_name) {
  BOOST_TEST(find_backend("nohup")->name() == "nohup");
  BOOST_TEST(find_backend("cron")->name() == "cron");
  BOOST_TEST(find_backend("login-hook")->name() == "login-hook");
  BOOST_TEST(!is_future_backend("login-hook"));
  BOOST_TEST(find_backend("slurm") == nullptr);
  BOOST_TEST(is_future_backend("slurm"));
  BOOST_TEST(!is_future_backend("nohup"));
  BOOST_TEST(!is_future_backend("systemd"));
}

BOOST_AUTO_TEST_SUITE_END()
