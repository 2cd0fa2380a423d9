// Parsing of logind, polkit and systemctl output.
#include "backends/host/logind.hpp"

#include "backends/host/installed_unit.hpp"
#include "backends/host/late_home.hpp"
#include "backends/host/systemctl.hpp"
#include "backends/recorded_host.hpp"
#include "backends/sample_job.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

bool kills(const std::string& properties, int exit_code = 0) {
  RecordedHost host;
  host.answer("busctl get-property", properties, exit_code);
  return kills_user_processes(host, host.user());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(logind)

BOOST_AUTO_TEST_CASE(kill_user_processes_respects_the_user_lists) {
  BOOST_TEST(!kills("b false\nas 0\nas 1 \"root\"\n"));
  BOOST_TEST(kills("b true\nas 0\nas 1 \"root\"\n"));
  BOOST_TEST(kills("b true\nas 0\nas 1 \"anna\"\n"));
  BOOST_TEST(!kills("b true\nas 0\nas 2 \"root\" \"ann\"\n"));
  BOOST_TEST(kills("b true\nas 1 \"ann\"\nas 1 \"root\"\n"));
  BOOST_TEST(!kills("b true\nas 1 \"bob\"\nas 1 \"root\"\n"));
  BOOST_TEST(!kills("b true\nas 1 \"ann\"\nas 1 \"ann\"\n"));  // excluded wins: logind.conf(5)
}

BOOST_AUTO_TEST_CASE(without_logind_processes_are_not_killed) {
  BOOST_TEST(!kills("", 1));
  BOOST_TEST(!kills("b true\n"));
  BOOST_TEST(!kills("b true\nas 0\nas 0\n", 1));
}

BOOST_AUTO_TEST_CASE(linger_is_read_from_loginds_file) {
  RecordedHost host;
  BOOST_TEST(!is_lingering(host, host.user()));
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  BOOST_TEST(is_lingering(host, host.user()));
  BOOST_TEST(!is_lingering(host, os::User{1001, 1001, "bob", "/home/bob"}));
  host.put("/var/lib/systemd/linger/../evil", "", 0644, 0);
  BOOST_TEST(!is_lingering(host, os::User{1002, 1002, "../evil", "/"}));
}

BOOST_AUTO_TEST_CASE(a_missing_user_name_comes_from_id) {
  RecordedHost host;
  host.me.name.clear();
  host.answer("id -un", "ann\n");
  host.put("/var/lib/systemd/linger/ann", "", 0644, 0);
  BOOST_TEST(is_lingering(host, host.user()));
  host.answer("id -un", "", 1);
  BOOST_TEST(!is_lingering(host, host.user()));
}

BOOST_AUTO_TEST_CASE(polkit_grants_refuses_or_does_not_answer) {
  RecordedHost host;
  const auto permission = [&](int exit_code) {
    host.answer("pkcheck", "", exit_code);
    return linger_permission(host);
  };
  BOOST_TEST((linger_permission(host) == Permission::unknown));  // no pkcheck
  host.put_program("pkcheck");
  BOOST_TEST((permission(0) == Permission::granted));
  BOOST_TEST((permission(1) == Permission::refused));
  BOOST_TEST((permission(2) == Permission::refused));
  BOOST_TEST((permission(127) == Permission::unknown));
  host.answer("pkcheck", os::Completed{143, true, "", ""});
  BOOST_TEST((linger_permission(host) == Permission::unknown));
  host.me.uid = 0;
  BOOST_TEST((linger_permission(host) == Permission::granted));
}

BOOST_AUTO_TEST_CASE(only_units_enabled_by_the_user_need_linger) {
  RecordedHost host;
  BOOST_TEST(has_other_linger_users(host));  // unknown counts as true
  host.put_user_manager();
  BOOST_TEST(has_other_linger_users(host));
  const auto listed = [&](const std::string& units) {
    host.answer("systemctl --user list-unit-files", units);
    return has_other_linger_users(host);
  };
  host.answer("systemctl --user show --property=Id,", "");
  host.answer("systemctl --user list-unit-files", os::Completed{1, false, "", ""});  // systemctl 252 without a match
  BOOST_TEST(!has_other_linger_users(host));
  BOOST_TEST(!listed("holdfast-web.service enabled enabled\n"));
  BOOST_TEST(!listed("pipewire.socket enabled enabled\n"));  // enabled by a vendor preset
  host.put("/home/ann/.config/systemd/user/backup.service", "");
  BOOST_TEST(listed("backup.service enabled enabled\n"));
  BOOST_TEST(!listed("pipewire.socket enabled enabled\n"));
  host.put_directory("/home/ann/.config/systemd/user/default.target.wants");
  host.put_special("/home/ann/.config/systemd/user/default.target.wants/syncthing.service", os::FileKind::symlink);
  BOOST_TEST(listed("syncthing.service enabled disabled\n"));
}

BOOST_AUTO_TEST_CASE(running_units_of_the_user_need_linger_enabled_or_not) {
  RecordedHost host;
  host.put_user_manager();
  host.answer("systemctl --user list-unit-files", os::Completed{1, false, "", ""});
  const auto shown = [&](const std::string& unit, const std::string& state, const std::string& file,
                         const std::string& enabled) {
    const std::string own =
        "Id=holdfast-web.service\nActiveState=active\nFragmentPath=/home/ann/.config/systemd/user/"
        "holdfast-web.service\n"
        "UnitFileState=enabled\n\nId=init.scope\nActiveState=active\nFragmentPath=\nUnitFileState=\n\n";
    host.answer(
        "systemctl --user show --property=Id,",
        fmt::format("{}Id={}\nActiveState={}\nFragmentPath={}\nUnitFileState={}\n", own, unit, state, file, enabled));
    return has_other_linger_users(host);
  };
  const std::string transient = "/run/user/1000/systemd/transient/";
  BOOST_TEST(shown("run-u4.service", "active", transient + "run-u4.service", "transient"));
  BOOST_TEST(shown("run-r5.scope", "active", transient + "run-r5.scope", "transient"));
  BOOST_TEST(shown("run-u6.timer", "active", transient + "run-u6.timer", "transient"));
  BOOST_TEST(shown("web.service", "active", "/run/user/1000/systemd/generator/web.service", "generated"));  // quadlet
  BOOST_TEST(shown("copy.service", "activating", "/home/ann/.config/systemd/user/copy.service", "static"));
  BOOST_TEST(shown("deleted.service", "active", "", ""));
  BOOST_TEST(shown("syncthing.service", "active", "/usr/lib/systemd/user/syncthing.service", "disabled"));
  BOOST_TEST(!shown("run-u4.service", "failed", transient + "run-u4.service", "transient"));
  BOOST_TEST(!shown("copy.service", "inactive", "/home/ann/.config/systemd/user/copy.service", "static"));
  BOOST_TEST(!shown("dbus.service", "active", "/usr/lib/systemd/user/dbus.service", "static"));
  BOOST_TEST(!shown("pipewire.socket", "active", "/usr/lib/systemd/user/pipewire.socket", "enabled"));
  BOOST_TEST(!shown("vte-spawn-1.scope", "active", transient + "vte-spawn-1.scope", "transient"));
  BOOST_TEST(!shown("app-gnome-x-1.scope", "active", transient + "app-gnome-x-1.scope", "transient"));
  host.answer("systemctl --user show --property=Id,", os::Completed{143, true, "", ""});
  BOOST_TEST(has_other_linger_users(host));
}

BOOST_AUTO_TEST_CASE(the_control_group_tells_the_kind_of_process) {
  using G = ControlGroup;
  const auto is = [](const char* text, G expected) { return control_group_from(text) == expected; };
  BOOST_TEST(is("0::/user.slice/user-1000.slice/session-3.scope\n", G::session));
  BOOST_TEST(is("0::/user.slice/user-1000.slice/user@1000.service/app.slice/holdfast-web.service\n", G::user_manager));
  BOOST_TEST(is("0::/user.slice/user-1000.slice/user@1000.service/session-1.scope\n", G::user_manager));
  BOOST_TEST(is("0::/system.slice/cron.service\n", G::elsewhere));
  BOOST_TEST(is("0::/\n", G::elsewhere));
  BOOST_TEST(is("", G::elsewhere));
  // Version 1 too, as on RHEL 8: only systemd's own hierarchy counts.
  BOOST_TEST(is("11:memory:/user.slice/user-1000.slice/session-9.scope\n1:name=systemd:/system.slice/cron.service\n",
                G::elsewhere));
  BOOST_TEST(is("4:cpu,cpuacct:/\n1:name=systemd:/user.slice/user-1000.slice/session-9.scope\n0::/\n", G::session));
}

BOOST_AUTO_TEST_CASE(unit_properties_are_parsed) {
  const auto units = parse_units(
      "Id=holdfast-web.service\nLoadState=loaded\nActiveState=active\nExecStart={ path=/a ; argv[]=/a X=1 ; }\n"
      "DropInPaths=/d/a.conf /d/b.conf\nNeedDaemonReload=yes\nInactiveExitTimestampMonotonic=7\n"
      "\n"
      "torn line\nId=holdfast-.y.service\nSubState=auto-restart\nInactiveExitTimestampMonotonic=0\n");
  BOOST_REQUIRE(units.size() == 2);
  const auto& web = units.at("holdfast-web.service");
  BOOST_TEST(web.exec_start == "{ path=/a ; argv[]=/a X=1 ; }");
  BOOST_TEST((web.drop_ins.size() == 2 && web.needs_reload && web.was_active));
  const auto& other = units.at("holdfast-.y.service");
  BOOST_TEST((other.sub == "auto-restart" && other.active.empty() && !other.needs_reload && !other.was_active));
}

BOOST_AUTO_TEST_CASE(a_home_that_may_be_mounted_after_the_manager_is_late) {
  RecordedHost host;
  host.me.home = "/home/ann b";
  const std::string root = "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
  const std::string manager = "60 25 0:50 / /run/user/1000 rw shared:1 - tmpfs tmpfs rw\n";
  const auto is_late = [&](const std::string& mountinfo) {
    host.put("/proc/self/mountinfo", mountinfo);
    return is_late_home(host);
  };
  const auto home = [](const std::string& point, const std::string& type) {
    return "70 25 0:60 / " + point + " rw shared:2 master:3 - " + type + " source rw\n";
  };
  BOOST_TEST(!is_late(""));
  BOOST_TEST(!is_late(root + manager));
  BOOST_TEST(!is_late(root + home("/home", "ext4") + manager), "a partition of its own");
  BOOST_TEST(is_late(root + home("/home", "nfs4") + manager));
  BOOST_TEST(is_late(root + home("/home/ann\\040b", "autofs") + manager));
  BOOST_TEST(is_late(root + home("/home/ann\\040b", "ext4") + manager), "mounted for this user alone");
  BOOST_TEST(is_late(root + manager + home("/home", "ext4")), "mounted after the manager started");
  BOOST_TEST(!is_late(root + manager + home("/home/bob", "nfs4")));
  host.put("/run/systemd/generator/home.mount", "");
  BOOST_TEST(!is_late(root + manager + home("/home", "ext4")), "in /etc/fstab: systemd mounts it before");
  host.put("/run/systemd/generator/home-ann\\x20b.mount", "");
  BOOST_TEST(!is_late(root + home("/home/ann\\040b", "ext4") + manager));
}

BOOST_AUTO_TEST_CASE(unit_files_are_the_first_column) {
  const auto files = parse_unit_files("a.service enabled enabled\nb.timer  enabled disabled\n\n");
  BOOST_TEST(files == (std::vector<std::string>{"a.service", "b.timer"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
