// A pidfile identifies only the process for which it was written.
#include "backends/pidfile.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

const fs::path k_file = "/tmp/holdfast-1000/web.pid";
const os::ProcessId k_process{4711, 1234567, "0e2c8c5e", "ws"};

RecordedHost host_with(const os::ProcessId& alive, const os::ProcessId& noted) {
  RecordedHost host;
  host.put_process(alive);
  host.put(k_file, format_process_id(noted), 0600);
  return host;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pidfile)

BOOST_AUTO_TEST_CASE(a_process_id_is_read_back) {
  BOOST_TEST(format_process_id(k_process) == "4711 1234567 0e2c8c5e ws\n");
  BOOST_TEST((parse_process_id(format_process_id(k_process)) == k_process));
}

BOOST_AUTO_TEST_CASE(the_process_in_the_pidfile_is_running) {
  BOOST_TEST((running_process(host_with(k_process, k_process), k_file) == k_process));
}

BOOST_AUTO_TEST_CASE(an_ended_process_is_not_running) {
  RecordedHost host;
  host.put(k_file, format_process_id(k_process), 0600);
  BOOST_TEST(!running_process(host, k_file));
  BOOST_TEST((read_pidfile(host, k_file) == k_process));
}

BOOST_AUTO_TEST_CASE(a_reused_pid_is_not_ours) {
  auto stranger = k_process;
  stranger.start_time += 1;
  BOOST_TEST(!running_process(host_with(stranger, k_process), k_file));
}

BOOST_AUTO_TEST_CASE(a_pidfile_of_another_boot_is_ignored) {
  auto other = k_process;
  other.boot_id = "ffffffff";
  BOOST_TEST(!running_process(host_with(k_process, other), k_file));
}

BOOST_AUTO_TEST_CASE(a_pidfile_outlives_a_change_of_the_hosts_name) {
  auto renamed = k_process;
  renamed.host = "formerly";
  BOOST_TEST(running_process(host_with(k_process, renamed), k_file).has_value());
}

BOOST_AUTO_TEST_CASE(a_foreign_or_irregular_pidfile_is_not_read) {
  RecordedHost host;
  host.put_process(k_process);
  BOOST_TEST(!read_pidfile(host, k_file));
  host.put(k_file, format_process_id(k_process), 0600, 1001);
  BOOST_TEST(!read_pidfile(host, k_file));
  host.put_special(k_file, os::FileKind::symlink);
  BOOST_TEST(!read_pidfile(host, k_file));
  host.put_directory(k_file);
  BOOST_TEST(!read_pidfile(host, k_file));
}

const std::vector<std::string> k_torn{"",
                                      "\n",
                                      "4711\n",
                                      "4711 1234567 0e2c8c5e\n",
                                      "4711 1234567 0e2c8c5e ws",  // cut off
                                      "4711 1234567 0e2c8c5e ws more\n",
                                      "4711 1234567  ws\n",
                                      "4711 1234567 0e2c8c5e ws\n4712 1 x y\n",
                                      "1 1234567 0e2c8c5e ws\n",
                                      "0 1234567 0e2c8c5e ws\n",
                                      "-1 1234567 0e2c8c5e ws\n",
                                      "4294967295 1234567 0e2c8c5e ws\n",
                                      "4711 -5 0e2c8c5e ws\n",
                                      "4711 99999999999999999999 0e2c8c5e ws\n",
                                      "4711 12x 0e2c8c5e ws\n"};

BOOST_DATA_TEST_CASE(an_invalid_text_names_no_process, boost::unit_test::data::make(k_torn), text) {
  BOOST_TEST(!parse_process_id(text));
}

BOOST_AUTO_TEST_SUITE_END()
