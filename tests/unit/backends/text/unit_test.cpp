// Whole units: what systemd is told about a tunnel, from the embedded template or from the user's copy of it.
#include "backends/text/unit.hpp"

#include "backends/recorded_host.hpp"
#include "backends/sample_job.hpp"
#include "backends/text/templates.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

const std::string k_user = "systemd-user.service";
const std::string k_system = "systemd-system.service";
const fs::path k_copy = "/home/ann/.config/holdfast/templates/systemd-user.service";

std::vector<std::string> lines_of(const std::string& text) { return split(text, '\n'); }

void require_lines(const std::string& unit, const std::vector<std::string>& wanted) {
  const auto lines = lines_of(unit);
  for (const auto& line : wanted)
    BOOST_TEST((std::find(lines.begin(), lines.end(), line) != lines.end()), "no line " << line << " in:\n" << unit);
}

bool has_setting(const std::string& unit, const std::string& key) {
  const auto lines = lines_of(unit);
  return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.starts_with(key + "="); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unit)

BOOST_AUTO_TEST_CASE(a_user_unit_says_what_keeps_a_tunnel_alive) {
  const RecordedHost host;
  const auto unit = render_unit(user_job(host), k_user, host).value();
  require_lines(unit,
                {"Description=holdfast tunnel web", "ConditionHost=ws", "Type=notify", "NotifyAccess=main",
                 R"(ExecStart="/home/ann/.local/bin/holdfast" "run" "web")",
                 R"(ExecStopPost="/home/ann/.local/bin/holdfast" "reap" "web")", "Environment=HOLDFAST_REAPED=yes", R"(Environment="HOME=/home/ann")",
                 R"(Environment="LANG=C.UTF-8")", "Restart=always", "RestartSec=1", "RestartPreventExitStatus=2 4",
                 "StartLimitIntervalSec=0", "KillMode=process", "WantedBy=default.target"});
  // Options that need a privilege end a user's unit with 218/CAPABILITIES and kin.
  for (const char* key : {"User", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectClock", "ProtectKernelLogs",
                          "ProtectKernelModules", "PrivateDevices", "RuntimeDirectory", "StateDirectory"})
    BOOST_TEST(!has_setting(unit, key), key);
}

BOOST_AUTO_TEST_CASE(a_system_unit_runs_as_its_user_in_a_sandbox_and_waits_for_the_home) {
  const RecordedHost host;
  const auto unit = render_unit(system_job(host), k_system, host).value();
  require_lines(
      unit,
      {"User=ann", R"(RequiresMountsFor="/home/ann")", R"(ExecStart="/usr/local/bin/holdfast" "run" "--system" "web")",
       R"(ExecStopPost="/usr/local/bin/holdfast" "reap" "--system" "web")", "RuntimeDirectory=holdfast/web",
       "RuntimeDirectoryPreserve=restart", "StateDirectory=holdfast/web", "NoNewPrivileges=yes", "ProtectSystem=strict",
       "ProtectHome=read-only", "SystemCallFilter=pidfd_open pidfd_getfd", "WantedBy=multi-user.target"});
  BOOST_TEST(!has_setting(unit, "ProcSubset"));    // it hides the boot id
  BOOST_TEST(!has_setting(unit, "PrivateUsers"));  // and this one, from the next supervisor, the ssh of the last
}

BOOST_AUTO_TEST_CASE(a_user_without_a_name_is_named_by_number) {
  const RecordedHost host;
  auto job = system_job(host);
  job.run_as = os::User{4242, 4242, "", ""};
  const auto unit = render_unit(job, k_system, host).value();
  require_lines(unit, {"User=4242"});
  BOOST_TEST(!has_setting(unit, "RequiresMountsFor"));
}

BOOST_AUTO_TEST_CASE(any_host_means_no_condition) {
  const RecordedHost host;
  auto job = user_job(host);
  job.host = "any";
  BOOST_TEST(!has_setting(render_unit(job, k_user, host).value(), "ConditionHost"));
}

BOOST_AUTO_TEST_CASE(another_engine_has_nothing_to_reap) {
  const RecordedHost host;
  auto job = user_job(host);
  job.argv = {"/usr/bin/autossh", "-M", "0", "-N", "--", "gate@bastion"};
  const auto unit = render_unit(job, k_user, host).value();
  BOOST_TEST(!has_setting(unit, "ExecStopPost"));
}

BOOST_AUTO_TEST_CASE(hostile_values_become_no_settings) {
  const RecordedHost host;
  auto job = user_job(host);
  job.argv.push_back("\nExecStartPre=/bin/sh");
  BOOST_TEST(!render_unit(job, k_user, host));
  job = user_job(host);
  job.environment["LANG"] = "C\nUser=root";
  BOOST_TEST(!render_unit(job, k_user, host));
  job = user_job(host);
  job.host = "*";
  BOOST_TEST(!render_unit(job, k_user, host));
  auto system = system_job(host);
  system.run_as.name = "ann\nUser=root";
  BOOST_TEST(!render_unit(system, k_system, host));
}

BOOST_AUTO_TEST_CASE(a_copy_of_the_template_in_the_users_directory_wins) {
  RecordedHost host;
  host.put(k_copy, "[Service]\nExecStart=@EXEC_START@\nNice=5\n");
  BOOST_TEST(render_unit(user_job(host), k_user, host).value() ==
             "[Service]\nExecStart=\"/home/ann/.local/bin/holdfast\" \"run\" \"web\"\nNice=5\n");
}

BOOST_AUTO_TEST_CASE(the_system_scope_takes_no_users_template) {
  RecordedHost host;
  host.put("/home/ann/.config/holdfast/templates/systemd-system.service", "[Service]\nUser=root\n");
  require_lines(render_unit(system_job(host), k_system, host).value(), {"User=ann"});
  host.put("/etc/holdfast/templates/systemd-system.service", "[Service]\nUser=@USER@\n", 0644, 0);
  BOOST_TEST(render_unit(system_job(host), k_system, host).value() == "[Service]\nUser=ann\n");
}

BOOST_AUTO_TEST_CASE(a_template_that_others_could_have_written_is_refused) {
  RecordedHost host;
  const auto refused = [&] { return render_unit(user_job(host), k_user, host).has_error(); };
  host.put(k_copy, "[Service]\n", 0664);
  BOOST_TEST(refused());
  host.put(k_copy, "[Service]\n", 0602);
  BOOST_TEST(refused());
  host.put(k_copy, "[Service]\n", 0644, 1001);
  BOOST_TEST(refused());
  host.put_special(k_copy, os::FileKind::symlink);
  BOOST_TEST(refused());
  host.put_directory(k_copy);
  BOOST_TEST(refused());
  host.put(k_copy, "[Service]\n", 0644, 0);
  BOOST_TEST(!refused());
}

BOOST_AUTO_TEST_CASE(a_mistake_in_a_copy_names_the_copy) {
  RecordedHost host;
  host.put(k_copy, "[Service]\nExecStart=@EXEC@\n");
  const auto unit = render_unit(user_job(host), k_user, host);
  BOOST_REQUIRE(unit.has_error());
  BOOST_TEST(unit.error().subject == k_copy.string() + " line 2");
}

BOOST_AUTO_TEST_CASE(embedded_templates_are_those_of_the_source_tree) {
  BOOST_TEST(!embedded_template(k_user).empty());
  BOOST_TEST(!embedded_template(k_system).empty());
  BOOST_TEST(embedded_template("nothing").empty());
}

BOOST_AUTO_TEST_CASE(a_proof_runs_in_the_sandbox_of_the_unit) {
  const RecordedHost host;
  const auto unit = render_unit(system_job(host), k_system, host).value();
  const auto arguments = sandbox_arguments(unit);
  const auto has = [&](const std::string& argument) {
    return std::find(arguments.begin(), arguments.end(), argument) != arguments.end();
  };
  BOOST_TEST(has("--property=User=ann"));
  BOOST_TEST(has("--property=ProtectHome=read-only"));
  BOOST_TEST(has("--property=SystemCallFilter=@system-service"));
  for (const auto& argument : arguments) {
    BOOST_TEST(!argument.starts_with("--property=Restart"), argument);
    BOOST_TEST(!argument.starts_with("--property=RuntimeDirectory"), argument);
    BOOST_TEST(!argument.starts_with("--property=Exec"), argument);
    BOOST_TEST(argument.find("pidfd_getfd") == std::string::npos, argument);
  }
}

BOOST_AUTO_TEST_SUITE_END()
