// Which backend `auto` chooses, why it passes others over, and that their proofs are undone.
#include "tunnels/setup/backend_choice.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;
using namespace holdfast::test;

namespace {

/// A proof writes a unit for the user manager to find, and removes it.
struct LoginHost : RecordedHost {
  Result<> write_file(const fs::path&, std::string_view, mode_t) override { return {}; }
  Result<> remove_file(const fs::path&) override { return {}; }
  Result<std::vector<fs::path>> make_directories(const fs::path& path, mode_t) override { return std::vector{path}; }
  Result<> remove_empty_directory(const fs::path&) override { return {}; }
};

LoginHost logged_in() {
  LoginHost host;
  host.put_user_manager();
  host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
  host.answer("busctl get-property org.freedesktop.login1 /org/freedesktop/login1", "b false\nas 0\nas 1 \"root\"\n");
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  host.answer("systemctl --user cat", "");
  return host;
}

backends::Job job_on(const RecordedHost& host) {
  return {TunnelName::parse("lab").value(),
          {host.self().string(), "run", "--user", "lab"},
          {},
          host.user(),
          "ws",
          "/tmp/holdfast-1000",
          store::paths(Scope::user, host).value()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backend_choice)

BOOST_AUTO_TEST_CASE(auto_chooses_the_strongest_proven_backend) {
  auto host = logged_in();
  host.answer("systemd-run --user", "");
  std::vector<PassedOver> passed_over;
  auto assessed_backends = find_candidates("auto", {}, Scope::user, host, passed_over).value();
  const auto chosen = prove_best(assessed_backends, job_on(host), host, passed_over).value();
  BOOST_TEST(chosen.assessed.backend->name() == "systemd-user");
  BOOST_TEST(passed_over.empty());
}

BOOST_AUTO_TEST_CASE(a_backend_whose_proof_fails_is_passed_over) {
  auto host = logged_in();
  host.answer("systemd-run --user", os::Completed{203, false, "", "Failed to execute command: Permission denied\n"});
  std::vector<PassedOver> passed_over;
  auto assessed_backends = find_candidates("auto", {}, Scope::user, host, passed_over).value();
  const auto chosen = prove_best(assessed_backends, job_on(host), host, passed_over).value();
  BOOST_TEST(chosen.assessed.backend->name() == "nohup");
  BOOST_REQUIRE(passed_over.size() == 4U);
  BOOST_TEST(passed_over.front().backend == "cron");
  BOOST_TEST(passed_over.back().backend == "systemd-user");
  BOOST_TEST(passed_over.back().reason.find("Permission denied") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_weaker_backend_is_named_with_its_remedy) {
  auto host = logged_in();
  host.forget("/var/lib/systemd/linger/ann");
  host.answer("pkcheck", "", 1);
  std::vector<PassedOver> passed_over;
  auto assessed_backends = find_candidates("auto", {}, Scope::user, host, passed_over).value();
  const auto chosen = prove_best(assessed_backends, job_on(host), host, passed_over).value();
  BOOST_TEST(chosen.assessed.backend->name() == "nohup");
  BOOST_REQUIRE(passed_over.size() == 4U);
  BOOST_TEST(passed_over.back().remedy == "sudo loginctl enable-linger ann");
}

BOOST_AUTO_TEST_CASE(systemd_user_is_weaker_when_linger_is_refused) {
  auto host = logged_in();
  host.forget("/var/lib/systemd/linger/ann");
  host.answer("systemd-run --user", "");
  host.answer("loginctl --no-ask-password enable-linger", "", 1);
  host.answer("pkcheck", "", 0);  // polkit promised it
  std::vector<PassedOver> passed_over;
  auto assessed_backends = find_candidates("auto", {}, Scope::user, host, passed_over).value();
  BOOST_TEST(assessed_backends.front().backend->name() == "systemd-user");
  host.answer("pkcheck", "", 1);  // and refuses now
  const auto chosen = prove_best(assessed_backends, job_on(host), host, passed_over).value();
  BOOST_TEST(chosen.assessed.backend->name() == "nohup");
  BOOST_TEST(passed_over.back().backend == "systemd-user");
}

BOOST_AUTO_TEST_CASE(cron_is_passed_over_when_its_line_is_too_long) {
  auto host = logged_in();
  host.forget("/run/user/1000/systemd/private");
  host.put_program("crontab");
  host.put_locked("/run/crond.pid");
  host.answer("crontab -l", os::Completed{1, false, "", "no crontab for ann\n"});
  auto job = job_on(host);
  job.environment["PATH"] = std::string(2000, 'x');
  std::vector<PassedOver> passed_over;
  auto assessed_backends = find_candidates("auto", {}, Scope::user, host, passed_over).value();
  BOOST_TEST(assessed_backends.front().backend->name() == "cron");
  const auto chosen = prove_best(assessed_backends, job, host, passed_over).value();
  BOOST_TEST(chosen.assessed.backend->name() == "nohup");
  BOOST_REQUIRE(passed_over.size() == 4U);
  BOOST_TEST(passed_over.back().backend == "cron");
  BOOST_TEST(passed_over.back().reason.ends_with("bytes; cron's limit is 998"));
}

BOOST_AUTO_TEST_CASE(an_unusable_named_backend_fails_with_status_5) {
  auto host = logged_in();
  host.forget("/run/user/1000/systemd/private");
  std::vector<PassedOver> passed_over;
  const auto assessed_backends = find_candidates("systemd-user", {}, Scope::user, host, passed_over);
  BOOST_REQUIRE(!assessed_backends);
  BOOST_TEST(static_cast<int>(assessed_backends.error().status) == 5);
  BOOST_TEST(assessed_backends.error().line() ==
             "using backend systemd-user: no systemd user manager is running for you");
}

BOOST_AUTO_TEST_CASE(no_usable_backend_fails_with_status_5) {
  auto host = logged_in();
  host.forget("/run/user/1000/systemd/private");
  std::vector<PassedOver> passed_over;
  const auto assessed_backends = find_candidates("auto", {"systemd-user"}, Scope::user, host, passed_over);
  BOOST_REQUIRE(!assessed_backends);
  BOOST_TEST(static_cast<int>(assessed_backends.error().status) == 5);
  BOOST_TEST(assessed_backends.error().hint.find("HOLDFAST_BACKENDS") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
