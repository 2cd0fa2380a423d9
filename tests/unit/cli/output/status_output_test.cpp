// The status of tunnels as table, detail and JSON.
#include "cli/output/status_fixture.hpp"

#include "cli/output/table.hpp"
#include "core/text.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;
using store::TunnelState;

BOOST_FIXTURE_TEST_SUITE(output_of_status, StatusFixture)

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
