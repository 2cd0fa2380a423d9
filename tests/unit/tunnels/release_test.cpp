// Releasing a tunnel for a successor that waits, and what a move that was cut short leaves.
#include "tunnels/control.hpp"

#include "backends/pidfile.hpp"
#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "store/hand_over.hpp"
#include "store/tunnel_file.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;
using namespace holdfast::test;

namespace {

struct Desk {
  RecordedHost host;
  store::Paths paths = store::paths(Scope::user, host).value();
  TunnelName name = TunnelName::parse("lab").value();
  Tunnel tunnel = store::parse_tunnel(name,
                                      "port = 2222\nbackend = tmux\nhost = ws\nruntime-dir = /tmp/holdfast-1000\n"
                                      "bastion = gate@bastion\n",
                                      "lab.conf")
                      .value();

  Desk() {
    host.put_user_manager();
    for (const char* program : {"crontab", "tmux", "screen"}) host.put_program(program);
  }

  [[nodiscard]] std::vector<InstalledJob> jobs() const { return installed_jobs_of({name, tunnel}, paths, host); }
  void note(const std::string& from, const std::string& to, pid_t by) {
    host.put(store::hand_over_file(paths, name),
             store::format_hand_over({{by, 5, "0e2c8c5e", "ws"}, from, to, "/run/user/1000/holdfast", true}), 0600);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(releasing, Desk)

BOOST_AUTO_TEST_CASE(a_release_leaves_the_successors_process_and_no_stop_mark) {
  for (const auto* backend : backends::all_backends()) {
    if (backend->scope() != Scope::user) continue;
    const InstalledJob installed_job{backend, jobs().front().job};
    const auto stop = backend->stop(installed_job.job, host).value();
    const auto plan = release_plan(installed_job, host).value();
    BOOST_TEST(plan.size() <= stop.size(), backend->name());
    for (const auto& step : plan) {
      // The pidfile names the successor by then. A stop mark would keep the watchdog from starting it.
      BOOST_TEST(!std::holds_alternative<backends::Terminate>(step), backend->name());
      BOOST_TEST(!std::holds_alternative<backends::WriteFile>(step), backend->name());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_release_stops_the_systemd_unit) {
  const InstalledJob installed_job{&backends::systemd_user_backend(), jobs().front().job};
  const auto plan = release_plan(installed_job, host).value();
  BOOST_REQUIRE(!plan.empty());
  BOOST_TEST((std::get<backends::Run>(plan.front()).command.argv ==
              std::vector<std::string>{"systemctl", "--user", "stop", "holdfast-lab.service"}));
}

BOOST_AUTO_TEST_CASE(a_move_that_was_cut_short_left_two_jobs) {
  BOOST_TEST(jobs().size() == 1U);
  note("systemd-user", "tmux", 4711);
  const auto both = jobs();
  BOOST_REQUIRE(both.size() == 2U);
  BOOST_TEST(both[0].backend->name() == "tmux");
  BOOST_TEST(both[1].backend->name() == "systemd-user");
  BOOST_TEST(both[1].job.runtime_dir == "/run/user/1000/holdfast");
}

BOOST_AUTO_TEST_CASE(a_move_under_way_is_left_to_its_command) {
  host.put_process({4711, 5, "0e2c8c5e", "ws"});
  note("systemd-user", "tmux", 4711);
  BOOST_TEST(jobs().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_note_with_an_unknown_backend_names_no_job) {
  note("smoke", "tmux", 4711);
  BOOST_TEST(jobs().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_backend_that_still_starts_an_edited_tunnel_is_one_of_its_jobs) {
  const auto names = [&] {
    std::string all;
    for (const auto& job : jobs()) all += std::string(job.backend->name()) + ' ';
    return all;
  };
  host.answer("crontab -l", os::Completed{1, false, "", "no crontab for ann\n"});
  host.answer("systemctl --user show", "");
  BOOST_TEST(names() == "tmux ");
  host.put("/home/ann/.config/systemd/user/holdfast-lab.service", "");
  BOOST_TEST(names() == "tmux systemd-user ");
  host.answer("crontab -l", os::Completed{1, false, "", "You (ann) are not allowed to use this program (crontab)\n"});
  BOOST_TEST(names() == "tmux systemd-user ", "its lines are not known");
}

BOOST_AUTO_TEST_SUITE_END()
