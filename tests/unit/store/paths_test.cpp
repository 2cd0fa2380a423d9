#include "store/paths.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <stdlib.h>
#include <unistd.h>

using namespace holdfast;
using namespace holdfast::store;
using test::HostAtHome;
using test::ScratchDirectory;

BOOST_AUTO_TEST_SUITE(store_paths)

BOOST_AUTO_TEST_CASE(user_files_follow_the_xdg_variables) {
  const ScratchDirectory scratch_directory;
  const HostAtHome host(scratch_directory.path());
  const TunnelName name = *TunnelName::parse("a.b");
  const std::string node = host->hostname();
  auto here = *paths(Scope::user, *host);
  BOOST_TEST(here.tunnel_file(name) == scratch_directory / ".config/holdfast/tunnels/a.b.conf");
  BOOST_TEST(here.state_file(name, "log") == scratch_directory / (".local/state/holdfast/" + node + "/a.b.log"));
  BOOST_TEST(here.file_mode == 0600U);

  ::setenv("XDG_CONFIG_HOME", "/x/c/", 1);
  ::setenv("XDG_STATE_HOME", "relative", 1);  // invalid, so it is ignored
  here = *paths(Scope::user, *host);
  BOOST_TEST(here.tunnels.native() == "/x/c/holdfast/tunnels");
  BOOST_TEST(here.state == scratch_directory / (".local/state/holdfast/" + node));
}

BOOST_AUTO_TEST_CASE(the_system_scope_ignores_the_user) {
  const ScratchDirectory scratch_directory;
  const HostAtHome host(scratch_directory.path());
  const auto here = *paths(Scope::system, *host);
  BOOST_TEST(here.tunnel_file(*TunnelName::parse("1")).native() == "/etc/holdfast/tunnels/1.conf");
  BOOST_TEST(here.state_file(*TunnelName::parse("1"), "log").native() == "/var/lib/holdfast/1/1.log");
  BOOST_TEST(system_runtime_directory(*TunnelName::parse("1")).native() == "/run/holdfast/1");
}

BOOST_AUTO_TEST_CASE(a_host_name_never_escapes_the_state_directory) {
  BOOST_TEST(host_directory_name("ws-1.lab") == "ws-1.lab");
  for (const char* name : {"", "..", ".", "../../etc", "a/b", "a\nb"}) {
    const std::string safe = host_directory_name(name);
    BOOST_TEST(safe.starts_with("host-"));
    BOOST_TEST(safe.find('/') == std::string::npos);
  }
  BOOST_TEST(host_directory_name("a/b") != host_directory_name("a/c"));
}

BOOST_AUTO_TEST_CASE(control_socket_paths_fit_the_limit_of_ssh) {
  const TunnelName longest = *TunnelName::parse(std::string(64, 'x'));
  const fs::path fits = "/" + std::string(78, 'd');
  BOOST_TEST(!!check_runtime_directory(fits));
  BOOST_TEST(runtime_files(longest, fits).control.size() == k_longest_control_path);
  BOOST_TEST(!check_runtime_directory("/" + std::string(79, 'd')));
}

BOOST_AUTO_TEST_CASE(runtime_files_differ_between_tunnels) {
  const auto one = runtime_files(*TunnelName::parse("2222"), "/r");
  const auto two = runtime_files(*TunnelName::parse("2223"), "/r");
  BOOST_TEST(one.control != two.control);
  BOOST_TEST(one.lock != two.lock);
  BOOST_TEST(one.live.native() == "/r/2222.live");
}

BOOST_AUTO_TEST_CASE(an_unsafe_candidate_is_reported_and_skipped) {
  const ScratchDirectory scratch_directory;
  const HostAtHome host(scratch_directory.path());
  const fs::path link = scratch_directory / "link";
  const fs::path file = scratch_directory / "file";
  const fs::path good = scratch_directory / "good";
  fs::create_symlink(scratch_directory.path(), link);
  test::write(file, "x");
  std::vector<std::string> passed_over;
  const auto chosen = choose_runtime_directory(*host, {link, file, good}, passed_over);
  BOOST_REQUIRE(!!chosen);
  BOOST_TEST(*chosen == good);
  BOOST_TEST((host->status(good).mode == 0700U));
  BOOST_REQUIRE(passed_over.size() == 2U);
  BOOST_TEST(passed_over[0].find(link.native()) != std::string::npos);
  BOOST_TEST(passed_over[1].find(file.native()) != std::string::npos);
  BOOST_TEST(!choose_runtime_directory(*host, {link, file}, passed_over));
}

BOOST_AUTO_TEST_CASE(run_user_is_a_candidate_only_with_linger) {
  const ScratchDirectory scratch_directory;
  const HostAtHome host(scratch_directory.path());
  const std::string uid = std::to_string(::getuid());
  BOOST_TEST(runtime_directory_candidates(*host, false).front().native() == "/tmp/holdfast-" + uid);
  BOOST_TEST(runtime_directory_candidates(*host, true).front().native() == "/run/user/" + uid + "/holdfast");
}

BOOST_AUTO_TEST_SUITE_END()
