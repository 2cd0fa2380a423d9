// Letting go of a tunnel for another backend that waits for it, and what a move that was cut short has left.
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

struct House {
  RecordedHost host;
  store::Paths paths = store::paths(Scope::user, host).value();
  TunnelName name = TunnelName::parse("lab").value();
  Tunnel tunnel = store::parse_tunnel(name,
                                      "port = 2222\nbackend = tmux\nhost = ws\nruntime-dir = /tmp/holdfast-1000\n"
                                      "bastion = gate@bastion\n",
                                      "lab.conf")
                      .value();

  House() {
    host.put_user_manager();
    for (const char* program : {"crontab", "tmux", "screen"}) host.put_program(program);
  }

  [[nodiscard]] std::vector<InstalledJob> installed_jobs() const {
    return installed_jobs_of({name, tunnel}, paths, host);
  }
  void note(const std::string& from, const std::string& to, pid_t by) {
    host.put(store::hand_over_file(paths, name),
             store::format_hand_over({{by, 5, "0e2c8c5e", "ws"}, from, to, "/run/user/1000/holdfast", true}), 0600);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(releasing, House)

BOOST_AUTO_TEST_CASE(what_lets_go_ends_nothing_of_its_successors_and_forbids_nobody_to_start_it) {
  for (const auto* backend : backends::all_backends()) {
    if (backend->scope() != Scope::user) continue;
    const InstalledJob holder{backend, installed_jobs().front().job};
    const auto stop = backend->stop(holder.job, host).value();
    const auto plan = release_plan(holder, host).value();
    BOOST_TEST(plan.size() <= stop.size(), backend->name());
    for (const auto& step : plan) {
      // The pidfile names the successor by then; a mark would keep the watchdog from starting it.
      BOOST_TEST(!std::holds_alternative<backends::Terminate>(step), backend->name());
      BOOST_TEST(!std::holds_alternative<backends::WriteFile>(step), backend->name());
    }
  }
}

BOOST_AUTO_TEST_CASE(systemd_is_told_to_stop_for_it_would_start_it_again) {
  const InstalledJob holder{&backends::systemd_user_backend(), installed_jobs().front().job};
  const auto plan = release_plan(holder, host).value();
  BOOST_REQUIRE(!plan.empty());
  BOOST_TEST((std::get<backends::Run>(plan.front()).command.argv ==
              std::vector<std::string>{"systemctl", "--user", "stop", "holdfast-lab.service"}));
}

BOOST_AUTO_TEST_CASE(a_move_that_was_cut_short_left_two_holders) {
  BOOST_TEST(installed_jobs().size() == 1U);
  note("systemd-user", "tmux", 4711);
  const auto both = installed_jobs();
  BOOST_REQUIRE(both.size() == 2U);
  BOOST_TEST(both[0].backend->name() == "tmux");
  BOOST_TEST(both[1].backend->name() == "systemd-user");
  BOOST_TEST(both[1].job.runtime_dir == "/run/user/1000/holdfast");
}

BOOST_AUTO_TEST_CASE(one_that_is_under_way_is_the_business_of_its_command) {
  host.put_process({4711, 5, "0e2c8c5e", "ws"});
  note("systemd-user", "tmux", 4711);
  BOOST_TEST(installed_jobs().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_note_of_a_backend_of_another_version_names_nobody) {
  note("smoke", "tmux", 4711);
  BOOST_TEST(installed_jobs().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
