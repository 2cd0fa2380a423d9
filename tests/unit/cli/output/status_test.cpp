// The status of tunnels, and its output as table, detail and JSON.
#include "cli/output/status_output.hpp"

#include "backends/pidfile.hpp"
#include "backends/recorded_host.hpp"
#include "cli/output/table.hpp"
#include "core/text.hpp"
#include "store/host_settings.hpp"
#include "store/tunnel_file.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;
using store::TunnelState;

namespace {

constexpr WallTime at(int seconds) { return WallTime(std::chrono::seconds(1'800'000'000 + seconds)); }

store::Entry entry_of(const std::string& name, const std::string& more = "") {
  const auto tunnel_name = TunnelName::parse(name).value();
  return {tunnel_name,
          store::parse_tunnel(tunnel_name,
                              "port = 2222\nbackend = nohup\nhost = ws\nruntime-dir = /tmp/holdfast-1000\n" + more +
                                  "bastion = gate@bastion\n",
                              name + ".conf")};
}

/// ann's host, on which tunnel lab is up.
struct StatusFixture {
  RecordedHost host;
  os::ProcessId supervisor{101, 5, "0e2c8c5e", "ws"};
  os::ProcessId ssh{102, 6, "0e2c8c5e", "ws"};
  store::LiveState live;
  store::Paths paths;

  StatusFixture() {
    paths = store::paths(Scope::user, host).value();
    live.supervisor = supervisor;
    live.ssh = ssh;
    live.state = TunnelState::up;
    live.verified = true;
    live.since = at(0);
    live.bastion = "gate@bastion";
    live.forwards = {{"127.0.0.1:2222", "localhost:22", store::ForwardState::up}};
    live.rtt_ms = 12.5;
    live.reconnects = 3;
    host.put_process(supervisor);
    host.put_process(ssh);
    host.put("/proc/101/cgroup", "0::/\n");
    host.put("/tmp/holdfast-1000/lab.pid", backends::format_process_id(supervisor), 0600);
    host.put(paths.tunnels / "lab.conf", "", 0600);
  }

  tunnels::TunnelStatus status(const store::Entry& entry = entry_of("lab")) {
    host.put("/tmp/holdfast-1000/lab.live", store::format_live_state(live), 0600);
    std::vector<std::string> warnings;
    return tunnels::gather_status({entry}, paths, host, warnings).front();
  }
};

}  // namespace

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

BOOST_AUTO_TEST_CASE(json_has_every_key_in_order) {
  live.last_error = store::LastError{{FailureClass::forward_busy, "the port is taken", "wait"}, at(-60)};
  BOOST_TEST(status_json({status()}) ==
             R"({"tunnels":[{"name":"lab","state":"up","verified":true,"since":"2027-01-15T08:00:00Z","host":"ws",)"
             R"("bastion":"gate@bastion","bastions":["gate@bastion"],"engine":"native",)"
             R"("forwards":[{"listen":"127.0.0.1:2222","target":"localhost:22","state":"up","bound":"unknown"}],)"
             R"("backend":{"name":"nohup","installed":true,"running":true,)"
             R"("survives":{"crash":"no","logout":"yes","reboot":"no"}},)"
             R"("installation":{"ok":true,"problems":[]},)"
             R"("supervisor":{"pid":101,"version":null,"program":null},)"
             R"("supervisor_pid":101,"ssh_pid":102,"rtt_ms":12.500,"reconnects":3,"next_attempt":null,)"
             R"("last_error":{"class":"forward-busy","message":"the port is taken","hint":"wait",)"
             R"("at":"2027-01-15T07:59:00Z"},"credential":null,"history":null}]})");
}

BOOST_AUTO_TEST_CASE(json_has_null_for_unknown_values) {
  tunnels::TunnelStatus unknown;
  unknown.name = "lab";
  BOOST_TEST(
      setup_json(unknown, false) ==
      R"({"name":"lab","state":null,"verified":null,"since":null,"host":null,"bastion":null,"bastions":null,"engine":null,)"
      R"("forwards":[],"backend":{"name":null,"installed":null,"running":null,)"
      R"("survives":{"crash":null,"logout":null,"reboot":null}},"installation":{"ok":null,"problems":[]},)"
      R"("supervisor":{"pid":null,"version":null,"program":null},"supervisor_pid":null,"ssh_pid":null,)"
      R"("rtt_ms":null,"reconnects":null,"next_attempt":null,"last_error":null,"credential":null,"changed":false})");
  BOOST_TEST(status_json({}) == R"({"tunnels":[]})");
}

BOOST_AUTO_TEST_CASE(warns_before_a_certificate_expires) {
  auto now_up = status();
  BOOST_TEST(status_json({now_up}).find(R"("credential":null)") != std::string::npos);
  now_up.credential = tunnels::TunnelStatus::Credential{"certificate", "/k-cert.pub", at(0), at(90 * 24 * 3600)};
  BOOST_TEST(status_json({now_up}).find(R"("credential":{"kind":"certificate","expires":"2027-04-15T08:00:00Z"})") !=
             std::string::npos);
  BOOST_TEST(!now_up.expires_soon(at(89 * 24 * 3600 - 1)));
  BOOST_TEST(now_up.expires_soon(at(89 * 24 * 3600)));
  BOOST_TEST(status_table({now_up}, at(90 * 24 * 3600 - 3600), {}).find("expires in 1 h") != std::string::npos);
  BOOST_TEST(status_table({now_up}, at(91 * 24 * 3600), {}).find("has expired") != std::string::npos);
  now_up.credential->expires = at(16 * 3600);  // a tenth of its life is less than a day
  BOOST_TEST(!now_up.expires_soon(at(14 * 3600)));
  BOOST_TEST(now_up.expires_soon(at(15 * 3600)));
}

BOOST_AUTO_TEST_CASE(the_table_shows_reasons_below_a_row) {
  const auto up = status();
  tunnels::TunnelStatus waiting = up;
  waiting.name = "office-printer";
  waiting.state = TunnelState::waiting;
  waiting.verified = false;
  waiting.since = at(240);
  waiting.forwards.front().listen = "0.0.0.0:8080";
  waiting.next_attempt = at(312);
  waiting.last_error =
      tunnels::TunnelStatus::Failure{{FailureClass::refused, "gate@bastion refused\x1b[2J", "start sshd"}, at(290)};
  BOOST_TEST(status_table({up, waiting}, at(300), {false, true}) ==
             "NAME            STATE    SINCE  BASTION       FORWARDS                     BACKEND\n"
             "lab             up       5 min  gate@bastion  2222 → localhost:22          nohup\n"
             "office-printer  waiting  1 min  gate@bastion  0.0.0.0:8080 → localhost:22  nohup\n"
             "  gate@bastion refused\\x1b[2J\n"
             "  hint: start sshd\n"
             "  next attempt in 12 s\n");
}

BOOST_AUTO_TEST_CASE(a_degraded_tunnel_shows_which_forward_does_not_work) {
  live.state = TunnelState::degraded;
  live.verified = false;
  live.forwards.push_back({"127.0.0.1:8888", "localhost:8888", store::ForwardState::down});
  live.last_error = store::LastError{{FailureClass::target_down, "localhost:8888 is down", ""}, at(0)};
  BOOST_TEST(status_table({status()}, at(1), {false, true}) ==
             "NAME  STATE     SINCE  BASTION       FORWARDS                                    BACKEND\n"
             "lab   degraded  1 s    gate@bastion  2222 → localhost:22, 8888 → localhost:8888  nohup\n"
             "  not working: 127.0.0.1:8888 → localhost:8888, waiting for its target\n"
             "  localhost:8888 is down\n");
  BOOST_TEST(status_detail(status(), {}, at(1), {})
                 .find("\nforward    127.0.0.1:8888 -> localhost:8888, waiting for its target\n") != std::string::npos);
  BOOST_TEST(status_json({status()}).find(R"("state":"degraded")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unverified_tunnel_shows_its_reason) {
  live.verified = false;
  live.last_error = store::LastError{{FailureClass::target_down, "nothing answers at localhost:22", ""}, at(0)};
  BOOST_TEST(status_table({status()}, at(1), {false, true}) ==
             "NAME  STATE            SINCE  BASTION       FORWARDS             BACKEND\n"
             "lab   up (unverified)  1 s    gate@bastion  2222 → localhost:22  nohup\n"
             "  nothing answers at localhost:22\n");
}

BOOST_AUTO_TEST_CASE(the_detail_suggests_a_more_durable_backend) {
  auto now = status();
  now.stronger =
      tunnels::TunnelStatus::Stronger{"systemd-user", {{Survival::Kind::yes, {}}, {Survival::Kind::yes, {}}, {}}};
  const auto text = [&] { return status_detail(now, {}, at(90), {}); };
  BOOST_TEST(text().find("\n           hint: this host allows systemd-user, which survives a crash: "
                         "holdfast move lab --backend auto\n") != std::string::npos);
  now.stronger->survives.reboot = {Survival::Kind::yes, {}};
  BOOST_TEST(text().find("which survives a crash and a reboot:") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_detail_has_every_row) {
  const auto text = status_detail(status(), {{at(-5), TunnelState::waiting, TunnelState::up, "verified"}}, at(90), {});
  BOOST_TEST(text ==
             "name       lab\n"
             "state      up for 1 min (since 2027-01-15T08:00:00Z), verified end to end\n"
             "host       ws\n"
             "bastion    gate@bastion\n"
             "forward    127.0.0.1:2222 -> localhost:22, up\n"
             "backend    nohup, running\n"
             "survives   a crash: no, a logout: yes, a reboot: no\n"
             "engine     native\n"
             "processes  supervisor 101, ssh 102\n"
             "round trip 12.5 ms\n"
             "reconnects 3\n"
             "history    2027-01-15T07:59:55Z  waiting -> up: verified\n");
}

BOOST_AUTO_TEST_CASE(survival_reads_as_text_in_the_detail) {
  auto now = status();
  now.backend.survives = Survives{
      {Survival::Kind::within, std::chrono::seconds(60)}, {Survival::Kind::yes, {}}, {Survival::Kind::at_login, {}}};
  BOOST_TEST(status_detail(now, {}, at(90), {})
                 .find("\nsurvives   a crash: within 60 s, a logout: yes, a reboot: at login\n") != std::string::npos);
  BOOST_TEST(status_json({now}).find(R"({"crash":"within:60s","logout":"yes","reboot":"at-login"})") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_forward_that_is_down_is_red) {
  live.forwards.front().state = store::ForwardState::down;
  BOOST_TEST(status_detail(status(), {}, at(90), {.colour = true}).find(", \x1b[31mdown\x1b[0m\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_row_of_the_table_exceeds_the_terminal) {
  live.forwards.assign(2, {"127.0.0.1:2222", "a-host-with-a-long-name.example.com:22", store::ForwardState::up});
  const auto now = status();
  const auto narrow = status_table({now}, at(5), {.utf8 = true, .width = 60});
  for (const auto& line : split(narrow, '\n')) BOOST_TEST(columns(line) <= 60U, line);
  BOOST_TEST(narrow.find("…") != std::string::npos);
  BOOST_TEST(narrow.find("nohup") != std::string::npos);
  BOOST_TEST(status_table({now}, at(5), {}).find("a-host-with-a-long-name.example.com:22, ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(uptime_charts_fit_a_terminal) {
  auto now = status();
  store::UptimeRow row{at(-7200), std::chrono::hours(1), std::chrono::minutes(57), {}, std::chrono::minutes(3)};
  row.rtt = {10, 12, 60};
  row.reconnects = {{FailureClass::dead_peer, 2}};
  const std::vector rows{row};
  now.uptime_summary = tunnels::UptimeSummary{store::availability(rows, at(90), std::chrono::minutes(30), 48),
                                              store::availability(rows, at(90), std::chrono::hours(3), 56)};
  const auto text = status_detail(now, {}, at(90), {false, true});
  for (const char* line : {"\nlast day   ···", "·  95.00 %, 3 min down\n", "\nlast week  ···",
                           "\nreconnects 3 since it started\n           in the last day 2: dead-peer 2\n",
                           "10.0 to 60.0 ms in the last day\n"})
    BOOST_TEST(text.find(line) != std::string::npos, line << " in " << text);
  for (const auto& line : split(text, '\n')) BOOST_TEST(columns(line) <= 100U, line);
  const auto json = status_json({now});
  for (const char* part : {R"("history":{"day":{"from":"2027-01-14T08:30:00Z","slot_seconds":1800,)",
                           R"("availability_percent":95.000,"total":{"up_seconds":3420.000,)",
                           R"("reconnects":{"dead-peer":2},"slots":[null,)"})
    BOOST_TEST(json.find(part) != std::string::npos, part << " in " << json);
}

BOOST_AUTO_TEST_SUITE_END()
