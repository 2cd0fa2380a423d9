// A tunnel with `host = any`: one shared file, and settings for each host.
#include "store/host_settings.hpp"

#include "backends/recorded_host.hpp"
#include "store/installation_record.hpp"
#include "store/tunnel_file.hpp"
#include "store/tunnel_store.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::store;
using namespace holdfast::test;

namespace {

struct SharedHome {
  RecordedHost host;
  Paths paths = store::paths(Scope::user, host).value();
  TunnelName name = TunnelName::parse("lab").value();

  SharedHome() {
    host.put_directory(paths.tunnels, 0700);
    put_tunnel("any");
  }
  void put_tunnel(const std::string& owner) {
    host.put(paths.tunnel_file(name),
             "# by hand\nport = 2222\nbackend = systemd-user\nhost = " + owner + "\nbastion = gate@bastion\n", 0600);
  }
  void put_settings(const std::string& text, mode_t mode = 0600, std::optional<uid_t> owner = {}) {
    host.put(host_settings_file(paths, name), text, mode, owner);
  }
  [[nodiscard]] Tunnel tunnel() const { return load(host, paths, name).value(); }
};

const char* const k_settings = "backend = cron\nruntime-dir = /tmp/holdfast-1000\n";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(host_settings, SharedHome)

BOOST_AUTO_TEST_CASE(settings_of_this_host_override_the_file) {
  BOOST_TEST(tunnel()->backend == "systemd-user");
  BOOST_TEST(!tunnel()->runtime_dir);
  put_settings(k_settings);
  BOOST_TEST(tunnel()->backend == "cron");
  BOOST_TEST(tunnel()->runtime_dir->native() == "/tmp/holdfast-1000");
  BOOST_TEST(format_host_settings(tunnel()) == k_settings);
}

BOOST_AUTO_TEST_CASE(a_second_host_keeps_the_shared_file) {
  put_settings(k_settings);
  BOOST_TEST(format_shared(tunnel()).find("runtime-dir") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_one_host_ignores_host_settings) {
  put_settings(k_settings);
  put_tunnel("ws");
  BOOST_TEST(tunnel()->backend == "systemd-user");
}

BOOST_AUTO_TEST_CASE(invalid_host_settings_are_ignored) {
  for (const char* text : {"", "backend = cron\n", "backend = cron\nruntime-dir = tmp\n",
                           "backend = \nruntime-dir = /t\n", "backend = cron\nruntime-dir = /tmp/x",
                           "backend = cron\nruntime-dir = /t\nmore = 1\n", "backend = cr\x01on\nruntime-dir = /t\n"}) {
    put_settings(text);
    BOOST_TEST(!read_host_settings(host, paths, name), text);
  }
  put_settings(k_settings, 0622);
  BOOST_TEST(!read_host_settings(host, paths, name));
  put_settings(k_settings, 0600, 1001);
  BOOST_TEST(!read_host_settings(host, paths, name));
}

BOOST_AUTO_TEST_CASE(a_tunnel_removed_on_another_host_is_listed) {
  BOOST_TEST(orphaned_installations(host, paths).empty());
  host.put(installation_record_file(paths),
           R"({"tunnels":["lab"],"directories":[],"linger_turned_on":false,"linger_needed_by":[]})", 0600);
  BOOST_TEST(orphaned_installations(host, paths).empty());
  host.forget(paths.tunnel_file(name));
  const auto left = orphaned_installations(host, paths);
  BOOST_REQUIRE(left.size() == 1U);
  BOOST_TEST(left.front().tunnel.error().hint == "holdfast remove lab");
  BOOST_TEST(is_known(host, paths, name));
  BOOST_TEST(!is_known(host, paths, TunnelName::parse("other").value()));
}

BOOST_AUTO_TEST_CASE(other_hosts_are_found_by_their_installation_records) {
  auto there = paths;
  there.state = paths.state.parent_path() / "node2";
  host.put_directory(there.state);
  host.put_directory(paths.state);
  BOOST_TEST(other_hosts_with(host, paths, name).empty());
  host.put(installation_record_file(there),
           R"({"tunnels":["lab"],"directories":[],"linger_turned_on":false,"linger_needed_by":[]})", 0600);
  BOOST_TEST((other_hosts_with(host, paths, name) == std::vector<std::string>{"node2"}));
}

BOOST_AUTO_TEST_CASE(the_machine_mark_hides_the_machine_id) {
  BOOST_TEST(machine_mark(host).empty());
  host.put("/etc/machine-id", "uninitialized\n");
  BOOST_TEST(machine_mark(host).empty());
  host.put("/etc/machine-id", "8f3a0c5d9b7e4f1a8c2d6e0b4a9f7c31\n");
  const auto mark = machine_mark(host);
  BOOST_TEST(mark.size() == 16U);
  host.put("/etc/machine-id", "8f3a0c5d9b7e4f1a8c2d6e0b4a9f7c32\n");
  BOOST_TEST(machine_mark(host) != mark);
}

BOOST_AUTO_TEST_SUITE_END()
