#include "store/kept_processes.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <string>

namespace holdfast::store {
namespace {

const KeptProcesses k_kept{
    {4711, 1234567, "0e2c8c5e", "ws"}, "/tmp/holdfast 1000", os::ProcessId{4712, 1234568, "0e2c8c5e", "ws"}, {}};

struct Home {
  test::ScratchDirectory home;
  test::HostAtHome host{home.path()};
  Paths where = paths(Scope::user, *host).value();
  TunnelName name = TunnelName::parse("lab").value();
  os::ProcessId self = host->process(::getpid()).value();

  Home() { BOOST_REQUIRE(host->make_directories(where.state, 0700)); }
  void keep(const os::ProcessId& process) {
    BOOST_REQUIRE(keep_processes(*host, where, name, {process, "/tmp/holdfast-1000", process, process}));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kept_processes, Home)

BOOST_AUTO_TEST_CASE(kept_processes_read_back_equal) {
  BOOST_TEST((parse_kept_processes(format_kept_processes(k_kept)) == k_kept));
}

BOOST_AUTO_TEST_CASE(an_invalid_text_names_no_process) {
  const auto whole = format_kept_processes(k_kept);
  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(!parse_kept_processes(whole.substr(0, size)), size);
  const std::string process = "4711 1234567 0e2c8c5e ws\n";
  for (const std::string rest :
       {"-\n-\ntmp\n", "-\n-\n/t\x1bmp\n", "x\n-\n/tmp\n", "-\n1 2 3 4\n/tmp\n", "-\n-\n/tmp\n\n"})
    BOOST_TEST(!parse_kept_processes(process + rest), rest);
}

BOOST_AUTO_TEST_CASE(a_running_process_is_known) {
  BOOST_TEST(!read_living_processes(*host, where, name));
  keep(self);
  const auto living = read_living_processes(*host, where, name);
  BOOST_REQUIRE(living.has_value());
  BOOST_TEST((living->supervisor == self && living->ssh == self && living->autossh == self));
  BOOST_TEST(living->runtime_dir == "/tmp/holdfast-1000");
}

BOOST_AUTO_TEST_CASE(a_process_of_another_boot_or_start_time_is_gone) {
  auto other_boot = self;
  other_boot.boot_id = "0e2c8c5e";
  auto reused_pid = self;
  reused_pid.start_time += 1;
  for (const auto& process : {other_boot, reused_pid}) {
    keep(process);
    const auto living = read_living_processes(*host, where, name);
    BOOST_REQUIRE(living.has_value());
    BOOST_TEST((!living->supervisor && !living->ssh && !living->autossh));
  }
}

BOOST_AUTO_TEST_CASE(another_users_process_is_not_the_tunnels) {
  const auto init = host->process(1);
  if (!init || host->status("/proc/1").owner == host->user().uid) return;
  BOOST_REQUIRE(keep_processes(*host, where, name, {self, "/tmp", init, {}}));
  BOOST_TEST((!read_living_processes(*host, where, name)->ssh));
}

BOOST_AUTO_TEST_CASE(a_file_writable_by_others_is_ignored) {
  test::write(where.state_file(name, "processes"), format_kept_processes({self, "/tmp"}), fs::perms(0666));
  BOOST_TEST(!read_living_processes(*host, where, name));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
