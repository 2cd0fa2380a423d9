// Complete units, from the embedded template or from the user's copy.
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

BOOST_AUTO_TEST_CASE(a_user_unit_has_the_required_settings) {
  const RecordedHost host;
  const auto unit = render_unit(user_job(host), k_user, host).value();
  require_lines(
      unit, {"Description=holdfast tunnel web", "ConditionHost=ws", "Type=notify", "NotifyAccess=main",
             R"(ExecStart="/home/ann/.local/bin/holdfast" "run" "web")",
             R"(ExecStopPost="/home/ann/.local/bin/holdfast" "reap" "web")", "Environment=HOLDFAST_REAPED=yes",
             R"(Environment="HOME=/home/ann")", R"(Environment="LANG=C.UTF-8")", "Restart=always", "RestartSec=1",
             "RestartPreventExitStatus=2 4", "StartLimitIntervalSec=0", "KillMode=process", "WantedBy=default.target"});
  // Settings that need privileges make a user unit fail, for example with 218/CAPABILITIES.
  for (const char* key : {"User", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectClock", "ProtectKernelLogs",
                          "ProtectKernelModules", "PrivateDevices", "RuntimeDirectory", "StateDirectory"})
    BOOST_TEST(!has_setting(unit, key), key);
}

BOOST_AUTO_TEST_CASE(a_system_unit_runs_sandboxed_as_its_user) {
  const RecordedHost host;
  const auto unit = render_unit(system_job(host), k_system, host).value();
  require_lines(
      unit,
      {"User=ann", R"(RequiresMountsFor="/home/ann")", R"(ExecStart="/usr/local/bin/holdfast" "run" "--system" "web")",
       R"(ExecStopPost="/usr/local/bin/holdfast" "reap" "--system" "web")", "RuntimeDirectory=holdfast/web",
       "RuntimeDirectoryPreserve=restart", "StateDirectory=holdfast/web", "NoNewPrivileges=yes", "ProtectSystem=strict",
       "ProtectHome=read-only", "SystemCallFilter=pidfd_open pidfd_getfd", "WantedBy=multi-user.target"});
  BOOST_TEST(!has_setting(unit, "ProcSubset"));    // it hides the boot id
  BOOST_TEST(!has_setting(unit, "PrivateUsers"));  // it hides the previous ssh from a restarted supervisor
}

BOOST_AUTO_TEST_CASE(a_user_without_a_name_is_given_by_uid) {
  const RecordedHost host;
  auto job = system_job(host);
  job.run_as = os::User{4242, 4242, "", ""};
  const auto unit = render_unit(job, k_system, host).value();
  require_lines(unit, {"User=4242"});
  BOOST_TEST(!has_setting(unit, "RequiresMountsFor"));
}

BOOST_AUTO_TEST_CASE(host_any_means_no_condition_host) {
  const RecordedHost host;
  auto job = user_job(host);
  job.host = "any";
  BOOST_TEST(!has_setting(render_unit(job, k_user, host).value(), "ConditionHost"));
}

BOOST_AUTO_TEST_CASE(another_command_gets_no_exec_stop_post) {
  const RecordedHost host;
  auto job = user_job(host);
  job.argv = {"/usr/bin/autossh", "-M", "0", "-N", "--", "gate@bastion"};
  const auto unit = render_unit(job, k_user, host).value();
  BOOST_TEST(!has_setting(unit, "ExecStopPost"));
}

BOOST_AUTO_TEST_CASE(hostile_values_are_refused) {
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

BOOST_AUTO_TEST_CASE(the_users_template_takes_precedence) {
  RecordedHost host;
  host.put(k_copy, "[Service]\nExecStart=@EXEC_START@\nNice=5\n");
  BOOST_TEST(render_unit(user_job(host), k_user, host).value() ==
             "[Service]\nExecStart=\"/home/ann/.local/bin/holdfast\" \"run\" \"web\"\nNice=5\n");
}

BOOST_AUTO_TEST_CASE(the_system_scope_ignores_user_templates) {
  RecordedHost host;
  host.put("/home/ann/.config/holdfast/templates/systemd-system.service", "[Service]\nUser=root\n");
  require_lines(render_unit(system_job(host), k_system, host).value(), {"User=ann"});
  host.put("/etc/holdfast/templates/systemd-system.service", "[Service]\nUser=@USER@\n", 0644, 0);
  BOOST_TEST(render_unit(system_job(host), k_system, host).value() == "[Service]\nUser=ann\n");
}

BOOST_AUTO_TEST_CASE(a_template_that_others_can_write_is_refused) {
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

BOOST_AUTO_TEST_CASE(an_error_in_a_template_copy_names_it) {
  RecordedHost host;
  host.put(k_copy, "[Service]\nExecStart=@EXEC@\n");
  const auto unit = render_unit(user_job(host), k_user, host);
  BOOST_REQUIRE(unit.has_error());
  BOOST_TEST(unit.error().subject == k_copy.string() + " line 2");
}

BOOST_AUTO_TEST_CASE(unit_templates_are_embedded) {
  BOOST_TEST(!embedded_template(k_user).empty());
  BOOST_TEST(!embedded_template(k_system).empty());
  BOOST_TEST(embedded_template("nothing").empty());
}

BOOST_AUTO_TEST_CASE(the_proof_uses_the_sandbox_of_the_unit) {
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
