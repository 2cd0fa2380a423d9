// A legacy tunnel is ended only when the tunnel that replaces it is proven to work on this host.
#include "tunnels/import/successor.hpp"

#include "backends/pidfile.hpp"
#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/text/login_hook_text.hpp"
#include "store/live_state.hpp"
#include "store/tunnel_file.hpp"
#include "tunnels/installation.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;
using namespace holdfast::test;

namespace {

constexpr auto k_legacy = "@reboot autossh -M 0 -f -N -R 2222:localhost:22 -R 8080:localhost:80 gate@bastion\n";
constexpr auto k_file =
    "port = 2222\nport = 8080:localhost:80\nbackend = cron\nhost = ws\nruntime-dir = /tmp/holdfast-1000\n"
    "bastion = gate@bastion\n";

/// Ann's tunnel 2222 is up and verified, and her crontab starts the same one.
struct Successor {
  RecordedHost host;
  store::Paths paths = store::paths(Scope::user, host).value();
  TunnelName name = TunnelName::parse("2222").value();
  LegacyEntry legacy = read_crontab_lines(k_legacy, "/home/ann").front();
  store::LiveState live;
  std::string file = k_file;
  bool installed = true;

  Successor() {
    live.supervisor = {101, 5, "0e2c8c5e", "ws"};
    live.ssh = os::ProcessId{102, 6, "0e2c8c5e", "ws"};
    live.state = store::TunnelState::up;
    live.verified = true;
    live.bastion = "gate@bastion";
    live.forwards = {{"127.0.0.1:2222", "localhost:22", store::ForwardState::up},
                     {"127.0.0.1:8080", "localhost:80", store::ForwardState::up}};
    host.put_process(live.supervisor);
    host.put_process(*live.ssh);
    host.put("/proc/101/cgroup", "0::/\n");
    host.put_program("crontab");
    host.put_locked("/run/crond.pid");
    host.put(host.self(), "", 0755);
    host.answer("crontab -l", crontab());
  }

  /// With the lines that setup writes.
  std::string crontab() const {
    const auto tunnel = store::parse_tunnel(name, file, "2222.conf").value();
    const auto plan = backends::cron_backend().install(make_job(tunnel, paths, host.user(), host), host).value();
    std::string lines;
    for (const auto& step : plan)
      if (const auto* edit = std::get_if<backends::EditCrontab>(&step)) lines = edit->lines.value();
    return "# >>> holdfast 2222 >>>\n" + lines + "# <<< holdfast 2222 <<<\n";
  }

  void replace(const std::string& from, const std::string& to) { file.replace(file.find(from), from.size(), to); }

  /// Empty when the tunnel may replace the legacy one.
  std::string objection() {
    host.put_directory(paths.tunnels, 0700);
    host.put(paths.tunnel_file(name), file, 0600);
    host.put("/tmp/holdfast-1000/2222.live", store::format_live_state(live), 0600);
    if (installed) host.put("/tmp/holdfast-1000/2222.pid", backends::format_process_id(live.supervisor), 0600);
    const auto checked = check_successor(legacy, name, paths, host);
    return checked ? "" : checked.error().cause + " | " + checked.error().hint;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(successor_of_a_legacy_tunnel, Successor)

BOOST_AUTO_TEST_CASE(a_verified_tunnel_with_the_same_forwards_is_a_successor) { BOOST_TEST(objection() == ""); }

BOOST_AUTO_TEST_CASE(a_stopped_tunnel_is_no_successor) {
  live.supervisor.start_time = 4;
  live.state = store::TunnelState::stopped;
  live.ssh.reset();
  installed = false;
  host.unlock("/run/crond.pid");
  BOOST_TEST(objection() == "tunnel 2222 exists already and is not up on this host (stopped) | holdfast start 2222");
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_waits_for_its_port_is_no_successor) {
  live.state = store::TunnelState::waiting;
  live.verified = false;
  live.last_error = store::LastError{{FailureClass::forward_busy, "the port is in use", ""}, {}};
  BOOST_TEST(
      objection() ==
      "tunnel 2222 exists already and is not up on this host (waiting) | holdfast remove 2222, then import again");
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_another_host_is_no_successor) {
  replace("host = ws", "host = elsewhere");
  BOOST_TEST(objection() == "tunnel 2222 exists already and belongs to host elsewhere | give --name NAME");
}

BOOST_AUTO_TEST_CASE(a_standby_is_no_successor) {
  replace("host = ws", "host = any");
  live.state = store::TunnelState::standby;
  BOOST_TEST(objection().find("is not up on this host") != std::string::npos);
  BOOST_TEST(objection().ends_with("| give --name NAME"));
}

BOOST_AUTO_TEST_CASE(an_unverified_tunnel_is_no_successor) {
  live.verified = false;
  BOOST_TEST(objection() == "tunnel 2222 exists already and is up, but not verified end to end | holdfast status 2222");
}

BOOST_AUTO_TEST_CASE(a_tunnel_with_a_dead_ssh_is_no_successor) {
  live.ssh->start_time = 7;
  BOOST_TEST(objection().find("is not up on this host (connecting)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tunnel_at_its_fallback_bastion_is_no_successor) {
  replace("bastion = gate@bastion", "bastion = gate@bastion, gate@second");
  live.bastion = "gate@second";
  BOOST_TEST(objection().find("is up at another bastion, gate@second") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tunnel_with_a_missing_forward_is_no_successor) {
  live.forwards.back().state = store::ForwardState::down;
  BOOST_TEST(objection().find("does not forward 127.0.0.1:8080") != std::string::npos);
  live.forwards.pop_back();
  BOOST_TEST(objection().find("does not forward 127.0.0.1:8080") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_uninstalled_tunnel_is_no_successor) {
  host.answer("crontab -l", "");
  BOOST_TEST(objection().find("is not installed on this host") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_survives_less_is_no_successor) {
  const auto refused = [&](const std::string& loss) {
    return "tunnel 2222 exists already and is up, but with nohup it " + loss +
           " | holdfast move 2222 --backend auto, then import again";
  };
  replace("backend = cron", "backend = nohup");
  BOOST_TEST(objection() == refused("does not survive a reboot"));
  host.environment["SHELL"] = "/bin/zsh";
  host.put("/home/ann/.zshrc", backends::hook_text(backends::Shell::zsh, paths, host).value());
  BOOST_TEST(objection() == refused("is back after a reboot only at the next login"));
  // A line of a start-up file is run at the next login, too.
  std::string command = k_legacy;
  command.erase(0, command.find("autossh"));
  legacy = read_shell_lines("/home/ann/.bashrc", command, "/home/ann").front();
  BOOST_TEST(objection() == "");
  host.forget("/home/ann/.zshrc");
  BOOST_TEST(objection() == refused("does not survive a reboot"));
}

BOOST_AUTO_TEST_CASE(another_port_or_bastion_is_no_successor) {
  const std::string other = "another tunnel 2222 exists already | give --name NAME";
  replace("port = 2222", "port = 2223");
  BOOST_TEST(objection() == other);
  replace("port = 2223", "port = 2222");
  replace("gate@bastion", "gate@second");
  BOOST_TEST(objection() == other);
}

BOOST_AUTO_TEST_CASE(a_tunnel_with_a_broken_file_is_no_successor) {
  replace("bastion = gate@bastion", "bastion =");
  BOOST_TEST(objection() == "another tunnel 2222 exists already | give --name NAME");
}

BOOST_AUTO_TEST_SUITE_END()
