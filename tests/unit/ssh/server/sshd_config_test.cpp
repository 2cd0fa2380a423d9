#include "ssh/server/sshd_config.hpp"

#include "core/text.hpp"
#include "ssh/server/sshd_program.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::ssh;

namespace {

SshdSettings settings() {
  return {.port = 41022, .files = sshd_files("/tmp/holdfast-7/.with.5.abc"), .user = "ann", .environment = {}};
}

bool has_line(const std::string& text, const std::string& line) {
  const auto lines = split(text, '\n');
  return std::ranges::find(lines, line) != lines.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(private_sshd)

BOOST_AUTO_TEST_CASE(it_accepts_only_keys_of_one_user_on_loopback) {
  const auto text = sshd_config(settings(), {9, 2});
  for (const char* line : {"ListenAddress 127.0.0.1:41022", "HostKey /tmp/holdfast-7/.with.5.abc/host_key",
                           "AuthorizedKeysFile /tmp/holdfast-7/.with.5.abc/authorized_keys", "AllowUsers ann",
                           "UsePAM no", "StrictModes yes", "AuthenticationMethods publickey",
                           "PasswordAuthentication no", "PidFile none", "Subsystem sftp internal-sftp"})
    BOOST_TEST(has_line(text, line), line);
  BOOST_TEST(text.find("SetEnv") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(strict_modes_are_off_only_when_asked_for) {
  auto relaxed = settings();
  relaxed.strict_modes = false;
  BOOST_TEST(has_line(sshd_config(relaxed, {9, 2}), "StrictModes no"));
}

BOOST_AUTO_TEST_CASE(visitors_get_the_variables_in_one_line) {
  auto job = settings();
  job.environment = {{"SLURM_JOB_ID", "12"}, {"TMPDIR", "/tmp/a b"}};
  BOOST_TEST(has_line(sshd_config(job, {9, 2}), "SetEnv \"SLURM_JOB_ID=12\" \"TMPDIR=/tmp/a b\""));
  BOOST_TEST(sshd_config(job, {7, 7}).find("SetEnv") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_variables_of_the_job_are_chosen) {
  const os::Environment job{{"SLURM_JOB_ID", "12"}, {"CUDA_VISIBLE_DEVICES", "0,1"}, {"TMPDIR", "/scratch"},
                            {"PATH", "/bin"},       {"LD_PRELOAD", "/x.so"},         {"SLURM", "x"}};
  const os::Environment wanted{{"SLURM_JOB_ID", "12"}, {"CUDA_VISIBLE_DEVICES", "0,1"}, {"TMPDIR", "/scratch"}};
  BOOST_TEST((visitor_environment(job) == wanted));
}

BOOST_AUTO_TEST_CASE(a_value_cannot_end_its_line_or_its_quotes) {
  for (const char* value : {"a\nPermitRootLogin yes", "a\" \"B=c", "a'b", "a\\", "a\rb", "\x7f"})
    BOOST_TEST(visitor_environment({{"SLURM_JOB_NAME", value}}).empty(), value);
  for (const char* name : {"SLURM_A B", "SLURM_A\nX", "SLURM_\""})
    BOOST_TEST(visitor_environment({{name, "v"}}).empty(), name);
}

BOOST_AUTO_TEST_CASE(a_user_name_is_no_pattern) {
  BOOST_TEST(user_pattern("ann") == "ann");
  BOOST_TEST(user_pattern("a.b-c_d") == "a.b-c_d");
  BOOST_TEST(user_pattern("ann@corp.org") == "ann?corp.org");
  BOOST_TEST(user_pattern("CORP\\ann") == "CORP?ann");
  BOOST_TEST(user_pattern("a b\nX *!") == "a?b?X???");
}

BOOST_AUTO_TEST_CASE(every_release_prints_its_version) {
  BOOST_TEST(
      (parse_sshd_version("OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.11 19 Sep 2023\n").value() == Version{9, 2}));
  BOOST_TEST(
      (parse_sshd_version("unknown option -- V\nOpenSSH_8.0p1, OpenSSL 1.1.1k  FIPS 25 Mar 2021\nusage: sshd [-46D")
           .value() == Version{8, 0}));
  BOOST_TEST(!parse_sshd_version("dropbear 2022"));
  BOOST_TEST(!parse_sshd_version(""));
}

BOOST_AUTO_TEST_SUITE_END()
