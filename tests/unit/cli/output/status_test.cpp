// The status of tunnels, as it is gathered.
#include "cli/output/status_fixture.hpp"

#include "store/host_settings.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;
using store::TunnelState;

BOOST_FIXTURE_TEST_SUITE(status_of_tunnels, StatusFixture)

BOOST_AUTO_TEST_CASE(reads_the_state_from_a_running_supervisor) {
  const auto now = status();
  BOOST_TEST(now.is_up());
  BOOST_TEST(now.verified.value());
  BOOST_TEST(now.supervisor.pid.value() == 101);
  BOOST_TEST(now.ssh_pid.value() == 102);
  BOOST_TEST(now.backend.installed.value());
  BOOST_TEST(now.backend.running.value());
}

BOOST_AUTO_TEST_CASE(a_key_that_is_gone_is_named) {
  const auto with_key = entry_of("lab", "identity = /home/ann/.ssh/lab\n");
  BOOST_TEST((status(with_key).remarks ==
              std::vector<std::string>{"its key /home/ann/.ssh/lab is gone: the next login will be refused"}));
  host.put("/home/ann/.ssh/lab", "", 0600);
  BOOST_TEST(status(with_key).remarks.empty());
}

BOOST_AUTO_TEST_CASE(ignores_live_state_of_a_dead_supervisor) {
  live.supervisor.start_time = 4;  // another process has the pid now
  host.put("/tmp/holdfast-1000/lab.pid", backends::format_process_id(live.supervisor), 0600);
  const auto now = status();
  BOOST_TEST((now.state == TunnelState::failed));
  BOOST_TEST(now.last_error->diagnosis.message ==
             "its supervisor was killed; its ssh 102 still runs, without a supervisor");
  BOOST_TEST(!now.verified.value());
  BOOST_TEST(!now.backend.running.value());
  BOOST_TEST(!now.supervisor.pid);
  BOOST_TEST(!now.since);
}

BOOST_AUTO_TEST_CASE(ignores_live_state_of_another_boot) {
  live.supervisor.boot_id = live.ssh->boot_id = "another";
  host.put("/tmp/holdfast-1000/lab.pid", backends::format_process_id(live.supervisor), 0600);
  BOOST_TEST((status().state == TunnelState::stopped));
}

BOOST_AUTO_TEST_CASE(up_with_a_dead_ssh_is_connecting) {
  live.ssh->start_time = 1;
  const auto now = status();
  BOOST_TEST((now.state == TunnelState::connecting));
  BOOST_TEST(!now.ssh_pid);
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_is_not_up_has_no_forward_that_is) {
  live.ssh->start_time = 1;
  const auto now = status();
  BOOST_TEST((now.forwards.front().state == store::ForwardState::down));
  BOOST_TEST(!now.rtt_ms);
  BOOST_TEST(!now.since);
}

BOOST_AUTO_TEST_CASE(a_stopped_supervisor_is_not_believed) {
  host.put("/proc/101/stat", "101 (hold) fast) T 1 101\n");
  const auto now = status();
  BOOST_TEST(!now.state.has_value());
  BOOST_TEST(!now.verified.value());
  BOOST_TEST(!now.forwards.front().state);
  BOOST_TEST(now.last_error->diagnosis.message.starts_with("its supervisor 101 is stopped"));
  BOOST_TEST(now.last_error->diagnosis.hint == "kill -CONT 101");
  BOOST_TEST(status_table({now}, at(5), {false, true}).find("lab   unknown  -") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_frozen_supervisor_is_not_believed) {
  host.put("/proc/101/stat", "101 (holdfast) S 1 101\n");
  host.put("/proc/101/cgroup", "0::/a.slice/b.service\n");
  host.put("/sys/fs/cgroup/a.slice/b.service/cgroup.events", "populated 1\nfrozen 0\n");
  BOOST_TEST(status().is_up());
  host.put("/sys/fs/cgroup/a.slice/b.service/cgroup.events", "populated 1\nfrozen 1\n");
  BOOST_TEST(!status().is_up());
}

BOOST_AUTO_TEST_CASE(a_stopped_ssh_carries_nothing) {
  host.put("/proc/102/stat", "102 (ssh) T 101 102\n");
  const auto now = status();
  BOOST_TEST((now.state == TunnelState::connecting));
  BOOST_TEST((now.forwards.front().state == store::ForwardState::down));
  BOOST_TEST(now.last_error->diagnosis.message.starts_with("its ssh 102 is stopped"));
}

BOOST_AUTO_TEST_CASE(ignores_live_state_of_another_user) {
  host.put("/tmp/holdfast-1000/lab.live", store::format_live_state(live), 0600, 1001);
  std::vector<std::string> warnings;
  const auto now = tunnels::gather_status({entry_of("lab")}, paths, host, warnings).front();
  BOOST_TEST(!now.is_up());
}

BOOST_AUTO_TEST_CASE(a_broken_file_harms_no_other) {
  host.put("/tmp/holdfast-1000/lab.live", store::format_live_state(live), 0600);
  const auto broken = TunnelName::parse("broken").value();
  std::vector<std::string> warnings;
  const auto now = tunnels::gather_status(
      {{broken, store::parse_tunnel(broken, "nonsense\n", "/x/broken.conf")}, entry_of("lab")}, paths, host, warnings);
  BOOST_TEST((now[0].state == TunnelState::failed));
  BOOST_TEST((now[0].last_error->diagnosis.failure == FailureClass::config));
  BOOST_TEST(now[0].last_error->diagnosis.message == "reading /x/broken.conf line 1: expected KEY = VALUE");
  BOOST_TEST(now[1].is_up());
}

BOOST_AUTO_TEST_CASE(a_running_tunnel_with_a_broken_file_keeps_its_state) {
  host.put("/tmp/holdfast-1000/lab.live", store::format_live_state(live), 0600);
  const auto name = TunnelName::parse("lab").value();
  std::vector<std::string> warnings;
  const auto now =
      tunnels::gather_status({{name, store::parse_tunnel(name, "prot = 1\n", "/x/lab.conf")}}, paths, host, warnings)
          .front();
  BOOST_TEST(now.is_up());
  BOOST_TEST(now.remarks.front().find("/x/lab.conf line 1") != std::string::npos, now.remarks.front());
  BOOST_TEST(status_table({now}, at(5), {false, true}).find("its file has an error") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_changed_file_is_reported_until_it_is_applied) {
  const auto tunnel = *entry_of("lab").tunnel;
  live.settings = store::settings_mark(tunnel);
  BOOST_TEST(status().remarks.empty());
  auto spec = tunnel.spec();
  spec.ssh_options.push_back({"Compression", "yes"});
  const auto now = status({spec.name, Tunnel::make(spec)});
  BOOST_TEST(now.remarks.front() == "its file was changed, but not applied: holdfast restart lab");
  BOOST_TEST(now.is_up());
}

BOOST_AUTO_TEST_CASE(another_supervisor_is_named_with_the_command_that_replaces_it) {
  live.version = HOLDFAST_VERSION;
  live.program = host.self().string();
  BOOST_TEST(status().supervisor.update == "");
  live.version = "0.0.1";
  const auto now = status();
  BOOST_TEST(now.supervisor.update == "holdfast restart lab --keep-connection");
  BOOST_TEST(status_detail(now, {}, at(5), {false, true}).find("the supervisor is holdfast 0.0.1, ") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_another_host_has_no_state) {
  auto tunnel = *entry_of("lab").tunnel;
  auto spec = tunnel.spec();
  spec.host = "elsewhere";
  const auto now = status({spec.name, Tunnel::make(spec)});
  BOOST_TEST(now.elsewhere);
  BOOST_TEST(!now.state.has_value());
  BOOST_TEST(!now.backend.running.has_value());
  BOOST_TEST(now.host.value() == "elsewhere");
}

BOOST_AUTO_TEST_CASE(a_renamed_host_gets_the_command_that_fixes_it) {
  host.put("/etc/machine-id", "8f3a0c5d9b7e4f1a8c2d6e0b4a9f7c31\n");
  auto spec = entry_of("lab").tunnel->spec();
  spec.host = "formerly";
  spec.machine = store::machine_mark(host);
  live.supervisor.start_time = 4;  // it ended with the reboot
  const auto now = status({spec.name, Tunnel::make(spec)});
  BOOST_TEST(now.renamed);
  BOOST_TEST((now.state == TunnelState::failed));
  BOOST_TEST(now.last_error->diagnosis.hint ==
             "if formerly is now called ws: holdfast setup -n lab -p 127.0.0.1:2222:localhost:22 -b gate@bastion "
             "--host ws");

  spec.machine = "0123456789abcdef";
  const auto another = status({spec.name, Tunnel::make(spec)});
  BOOST_TEST(!another.renamed);
  BOOST_TEST(!another.state.has_value());
}

BOOST_AUTO_TEST_CASE(a_running_tunnel_keeps_its_state_on_a_renamed_host) {
  host.put("/etc/machine-id", "8f3a0c5d9b7e4f1a8c2d6e0b4a9f7c31\n");
  auto spec = entry_of("lab").tunnel->spec();
  spec.host = "formerly";
  spec.machine = store::machine_mark(host);
  live.supervisor.host = live.ssh->host = "formerly";  // it has published nothing since
  BOOST_TEST(status({spec.name, Tunnel::make(spec)}).is_up());
  live.state = TunnelState::waiting;
  const auto now = status({spec.name, Tunnel::make(spec)});
  BOOST_TEST((now.state == TunnelState::waiting));
  BOOST_TEST(now.last_error->diagnosis.message.starts_with("it belongs to host formerly"));
}

BOOST_AUTO_TEST_CASE(a_standby_has_no_hint) {
  live.state = TunnelState::standby;
  live.verified = false;
  const auto now = status();
  BOOST_TEST(now.is_well_standing_by());
  const auto table = status_table({now}, at(5), {false, true});
  BOOST_TEST(table.find("another host has the port") != std::string::npos);
  BOOST_TEST(table.find("hint:") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unavailable_backend_is_an_error) {
  auto spec = entry_of("lab").tunnel->spec();
  spec.backend = "slurm";
  const auto now = status({spec.name, Tunnel::make(spec)});
  BOOST_TEST((now.state == TunnelState::failed));
  BOOST_TEST(now.last_error->diagnosis.message == "using backend slurm: it is not available in this version");
}

BOOST_AUTO_TEST_SUITE_END()
