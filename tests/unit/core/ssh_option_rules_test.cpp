#include "core/ssh_option_rules.hpp"

#include "core/tunnel.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace holdfast;
namespace data = boost::unit_test::data;

namespace {

Error refusal(const std::string& text) {
  auto option = SshOption::parse(text);
  BOOST_REQUIRE_MESSAGE(!option, text << " is accepted");
  return std::move(option).error();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ssh_option_rules)

BOOST_DATA_TEST_CASE(options_that_defeat_supervision_are_refused,
                     data::make({"BatchMode=no", "ControlPersist=yes", "LogLevel=DEBUG", "PermitLocalCommand=yes",
                                 "RemoteForward=1 a:1", "IgnoreUnknown=*", "Include=/x", "Match=all", "Host=*",
                                 "IdentityFile=/x", "identityfile2=/x", "Tunnel=yes"})) {
  BOOST_TEST(refusal(sample).cause.find("cannot be overridden: ") != std::string::npos);
}

BOOST_DATA_TEST_CASE(options_that_weaken_the_host_key_check_are_refused,
                     data::make({"StrictHostKeyChecking=no", "stricthostkeychecking=accept-new",
                                 "STRICTHOSTKEYCHECKING = no", "GlobalKnownHostsFile=/dev/null",
                                 "KnownHostsCommand=/bin/echo %H", "VerifyHostKeyDNS=yes", "HostKeyAlias=other",
                                 "hostkeyalias=localhost", "CheckHostIP=no", "NoHostAuthenticationForLocalhost=yes",
                                 "UpdateHostKeys=yes", "CASignatureAlgorithms=+ssh-rsa", "RevokedHostKeys=none",
                                 "RequiredRSASize=512", "GSSAPIKeyExchange=yes", "GSSAPITrustDns=yes",
                                 "CanonicalizePermittedCNAMEs=*:*"})) {
  const auto error = refusal(sample);
  BOOST_TEST(error.cause.find("cannot be overridden: ") != std::string::npos);
  BOOST_TEST(!error.hint.empty());
}

BOOST_DATA_TEST_CASE(a_known_hosts_file_must_be_a_file,
                     data::make({"/dev/null", "none", "\"/dev/null\"", "/etc/../dev/null", "//dev/null", "known",
                                 "=/dev/null", "/etc/known /dev/null", "/etc/known none", "/etc/known b/c",
                                 "\"/etc/known\" \"", "\"\"", "/tmp/%h", "/tmp/${USER}", "'/dev/null'", "\\/dev/null",
                                 "/proc/self/fd/0", "\"/etc/a\"b", "/a\"b\""})) {
  BOOST_TEST(refusal(std::string("UserKnownHostsFile=") + sample).cause.find("not a list of files") !=
             std::string::npos);
  BOOST_TEST(!SshOption::parse(std::string("userKNOWNhostsFILE = ") + sample));
}

BOOST_DATA_TEST_CASE(a_list_of_known_hosts_files_is_accepted,
                     data::make({"/etc/company/known_hosts", "~/.ssh/known_hosts ~/.ssh/work", "\"/a b/c\" /d",
                                 "/device/x"})) {
  BOOST_TEST(!!SshOption::parse(std::string("UserKnownHostsFile=") + sample));
}

// Forms that ssh understands in a file must not lead past the rules.
BOOST_DATA_TEST_CASE(other_forms_of_a_refused_option_are_refused,
                     data::make({"StrictHostKeyChecking no", "StrictHostKeyChecking no=x",
                                 "\"StrictHostKeyChecking\"=no", "Compression=yes\nStrictHostKeyChecking=no",
                                 "Compression=yes\rStrictHostKeyChecking=no", " StrictHostKeyChecking\t=no",
                                 "StrictHostKeyChecking==no", "-oStrictHostKeyChecking=no", "#=1"})) {
  refusal(sample);
}

BOOST_AUTO_TEST_CASE(words_of_a_file_option_are_those_of_ssh) {
  const std::vector<std::string> words{"/a b", "/c"};
  BOOST_TEST(ssh_file_words(" \"/a b\"\t/c ").value() == words, boost::test_tools::per_element());
  BOOST_TEST(ssh_file_words("").value().empty());
  BOOST_TEST(!ssh_file_words("\"/a"));
}

BOOST_AUTO_TEST_SUITE_END()
