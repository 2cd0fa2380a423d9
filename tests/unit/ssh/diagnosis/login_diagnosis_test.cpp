// Refused logins, with the output of OpenSSH 9.2 against an sshd with the setting in question.
#include "ssh/diagnosis/login_text.hpp"

#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::ssh;
using enum FailureClass;

namespace {

const Tunnel& tunnel() {
  static const Tunnel tunnel = tunnel_with_key("gate@127.0.0.1:2299", "/home/ada/.ssh/id");
  return tunnel;
}

Diagnosis diagnosis_of(const SshOutput& output, const Tunnel& about = tunnel()) {
  const auto diagnosis = diagnose(output, about);
  BOOST_REQUIRE(diagnosis);
  return *diagnosis;
}

Diagnosis diagnosis_of(const std::string& log, const Tunnel& about = tunnel()) {
  return diagnosis_of(SshOutput{.log = log, .err = {}}, about);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string k_known =
    "debug1: Authenticating to 127.0.0.1:2299 as 'gate'\r\n"
    "debug1: Server host key: ssh-ed25519 SHA256:bcPgMeG3sJvixQb5IR8rrynM1BTMo3kBY2IFnszw7rM\r\n"
    "debug1: Host '[127.0.0.1]:2299' is known and matches the ED25519 host key.\r\n"
    "debug1: SSH2_MSG_SERVICE_ACCEPT received\r\n";

const std::string k_offered =
    "debug1: Authentications that can continue: publickey\r\n"
    "debug1: Next authentication method: publickey\r\n"
    "debug1: Offering public key: id ED25519 SHA256:cn6A5YqVAm0YM0vs+2mOMUI1A4QtCTn/ehNnZYqxM6M explicit\r\n"
    "debug1: Server accepts key: id ED25519 SHA256:cn6A5YqVAm0YM0vs+2mOMUI1A4QtCTn/ehNnZYqxM6M explicit\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(login_diagnosis)

// AuthenticationMethods publickey,keyboard-interactive
BOOST_AUTO_TEST_CASE(a_second_factor_is_named_after_an_accepted_key) {
  const auto found = diagnosis_of(k_known + k_offered +
                                  "Authenticated using \"publickey\" with partial success.\r\n"
                                  "debug1: Authentications that can continue: keyboard-interactive\r\n"
                                  "debug1: No more authentication methods to try.\r\n"
                                  "gate@127.0.0.1: Permission denied (keyboard-interactive).\r\n");
  BOOST_TEST((found.failure == second_factor));
  BOOST_TEST(has(found.message, "accepted the key and wants a second factor: keyboard-interactive"));
  BOOST_TEST(!has(found.hint, "PubkeyAuthentication"));
  BOOST_TEST(has(found.hint, "AuthenticationMethods publickey"));
}

BOOST_AUTO_TEST_CASE(a_second_factor_is_recognised_without_a_verbose_log) {
  for (const std::string method : {"keyboard-interactive", "password"}) {
    const auto found = diagnosis_of("gate@127.0.0.1: Permission denied (" + method + ").\r\n");
    BOOST_TEST((found.failure == second_factor));
    BOOST_TEST(has(found.message, method + ": a second factor after the key"));
  }
}

// AuthenticationMethods publickey,publickey
BOOST_AUTO_TEST_CASE(a_second_key_is_a_second_factor) {
  const auto found = diagnosis_of(k_known + k_offered +
                                  "Authenticated using \"publickey\" with partial success.\r\n"
                                  "debug1: Authentications that can continue: publickey\r\n"
                                  "gate@127.0.0.1: Permission denied (publickey).\r\n");
  BOOST_TEST((found.failure == second_factor));
}

// PubkeyAuthentication no on the server
BOOST_AUTO_TEST_CASE(a_server_without_keys_is_no_second_factor) {
  const auto found = diagnosis_of(k_known +
                                  "debug1: Authentications that can continue: password\r\n"
                                  "debug1: No more authentication methods to try.\r\n"
                                  "gate@127.0.0.1: Permission denied (password).\r\n");
  BOOST_TEST((found.failure == auth));
  BOOST_TEST(has(found.message, "accepts no keys, only: password"));
}

// PubkeyAuthentication no in the client's configuration
BOOST_AUTO_TEST_CASE(a_client_that_tries_no_key_gets_the_setting_by_name) {
  const auto found = diagnosis_of(k_known +
                                  "debug1: Authentications that can continue: publickey\r\n"
                                  "debug1: No more authentication methods to try.\r\n"
                                  "gate@127.0.0.1: Permission denied (publickey).\r\n");
  BOOST_TEST((found.failure == config));
  BOOST_TEST(has(found.message, "PubkeyAuthentication no"));
}

BOOST_AUTO_TEST_CASE(no_key_at_all_gets_the_commands_that_make_one) {
  const auto found = diagnosis_of(k_known +
                                      "debug1: Authentications that can continue: publickey,password\r\n"
                                      "debug1: Next authentication method: publickey\r\n"
                                      "debug1: Trying private key: /home/ada/.ssh/id_rsa\r\n"
                                      "debug1: Trying private key: /home/ada/.ssh/id_ed25519\r\n"
                                      "debug1: No more authentication methods to try.\r\n"
                                      "gate@127.0.0.1: Permission denied (publickey,password).\r\n",
                                  tunnel_to("gate@127.0.0.1:2299"));
  BOOST_TEST((found.failure == key_missing));
  BOOST_TEST(has(found.hint, "ssh-keygen -t ed25519"));
  BOOST_TEST(has(found.hint, "ssh-copy-id -p 2299 gate@127.0.0.1"));
}

BOOST_AUTO_TEST_CASE(a_private_key_without_its_public_file_counts_as_tried) {
  const auto found = diagnosis_of(k_known +
                                      "debug1: Authentications that can continue: publickey\r\n"
                                      "debug1: Next authentication method: publickey\r\n"
                                      "debug1: Trying private key: /home/ada/.ssh/id_rsa\r\n"
                                      "debug1: Authentications that can continue: publickey\r\n"
                                      "gate@127.0.0.1: Permission denied (publickey).\r\n",
                                  tunnel_to("gate@127.0.0.1:2299"));
  BOOST_TEST((found.failure == auth));
}

// UsePAM yes, with /etc/nologin or an expired account; the first line is a Banner.
BOOST_AUTO_TEST_CASE(the_words_of_pam_are_shown) {
  const auto closed_after = [](const std::string& err) {
    return diagnosis_of(SshOutput{.log = "Connection closed by 127.0.0.1 port 2304\r\n", .err = err});
  };
  const auto nologin = closed_after("Authorised users only.\nClosed for repair until noon.\n\n");
  BOOST_TEST((nologin.failure == account));
  BOOST_TEST(has(nologin.message, "said: Authorised users only. / Closed for repair until noon."));
  BOOST_TEST(has(closed_after("Your account has expired; please contact your system administrator.").message,
                 "Your account has expired"));
  const auto hostile = closed_after("\x1b[2Jroot\r\n" + std::string(100'000, 'x') + "\xe2\x80\xae");
  BOOST_TEST(!has(hostile.message, "\x1b"));
  BOOST_TEST(hostile.message.size() < 1500u);
}

BOOST_AUTO_TEST_CASE(a_close_without_words_is_no_account_problem) {
  const SshOutput silent{.log = "Connection closed by 127.0.0.1 port 2304\r\n", .err = "\n"};
  BOOST_TEST((diagnosis_of(silent).failure == closed));
}

BOOST_AUTO_TEST_CASE(an_expired_host_certificate_is_named_with_its_dates) {
  const std::string log =
      "debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com "
      "SHA256:bcPgMeG3sJvixQb5IR8rrynM1BTMo3kBY2IFnszw7rM, serial 7 ID \"bast\" CA ssh-ed25519 "
      "SHA256:ZgvC41q7ZYspkXTtOznQ5F9MiQQ7tbBegaE+HA8On4I valid from 2020-01-01T00:00:00 to 2021-01-01T00:00:00\r\n"
      "debug1: Host '[127.0.0.1]:2311' is known and matches the ED25519-CERT host certificate.\r\n"
      "Certificate invalid: expired\r\n"
      "debug1: No matching CA found. Retry with plain key\r\n"
      "No ED25519 host key is known for [127.0.0.1]:2311 and you have requested strict checking.\r\n"
      "Host key verification failed.\r\n";
  const auto found = diagnosis_of(SshOutput{.log = log, .err = {}, .at = from_rfc3339("2026-11-28T13:54:00Z")});
  BOOST_TEST((found.failure == certificate));
  BOOST_TEST(has(found.message, "the host certificate of gate@127.0.0.1:2299 is invalid: expired (ID \"bast\""));
  BOOST_TEST(has(found.message, "valid from 2020-01-01T00:00:00 to 2021-01-01T00:00:00"));
  BOOST_TEST(has(found.message, "clock is at 2026-11-28T13:54:00Z"));
  BOOST_TEST(!has(found.hint, "accept-new-host-key"));
}

BOOST_AUTO_TEST_CASE(an_invalid_host_certificate_never_leads_to_a_pin) {
  for (const std::string why : {"expired", "not yet valid", "name is not a listed principal"}) {
    const auto found = diagnosis_of("Certificate invalid: " + why +
                                    "\r\n"
                                    "No ED25519 host key is known for [127.0.0.1]:2312 and you have requested strict "
                                    "checking.\r\nHost key verification failed.\r\n");
    BOOST_TEST((found.failure == certificate));
    BOOST_TEST(has(found.message, why));
    BOOST_TEST(!has(found.hint, "accept-new-host-key"));
    BOOST_TEST(!has(found.hint, "authorized_keys"));
  }
}

BOOST_AUTO_TEST_CASE(a_certificate_of_an_unknown_authority_names_the_authority) {
  const auto found = diagnosis_of(
      "debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com "
      "SHA256:bcPgMeG3sJvixQb5IR8rrynM1BTMo3kBY2IFnszw7rM, serial 0 ID \"bast\" CA ssh-ed25519 "
      "SHA256:ZgvC41q7ZYspkXTtOznQ5F9MiQQ7tbBegaE+HA8On4I valid forever\r\n"
      "No ED25519 host key is known for [127.0.0.1]:2313 and you have requested strict checking.\r\n"
      "Host key verification failed.\r\n");
  BOOST_TEST((found.failure == host_key_unknown));
  BOOST_TEST(has(found.message, "CA ssh-ed25519 SHA256:ZgvC41q7ZYspkXTtOznQ5F9MiQQ7tbBegaE+HA8On4I"));
  BOOST_TEST(has(found.hint, "@cert-authority"));
}

// After an invalid certificate ssh accepts the plain key when it is known.
BOOST_AUTO_TEST_CASE(an_invalid_certificate_explains_no_other_end) {
  const auto found =
      diagnosis_of("Certificate invalid: not yet valid\r\ngate@127.0.0.1: Permission denied (publickey).\r\n");
  BOOST_TEST((found.failure == auth));
}

BOOST_AUTO_TEST_CASE(a_user_certificate_is_named_outside_its_lifetime_only) {
  const auto at = [](const char* text) { return from_rfc3339(text).value(); };
  const auto begins = at("2020-01-01T00:00:00Z");
  const auto ends = at("2021-01-01T00:00:00Z");
  BOOST_TEST(!explain_user_certificate("/k", begins, ends, at("2020-06-01T00:00:00Z")));
  BOOST_TEST(!explain_user_certificate("/k", begins, std::nullopt, at("2090-06-01T00:00:00Z")));
  const auto expired = explain_user_certificate("/k", begins, ends, ends);
  BOOST_REQUIRE(expired);
  BOOST_TEST((expired->failure == certificate));
  BOOST_TEST(expired->message ==
             "the certificate /k has expired: it is valid from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z; this "
             "machine's clock is at 2021-01-01T00:00:00Z");
  const auto early = explain_user_certificate("/k", begins, ends, at("2019-12-31T23:59:59Z"));
  BOOST_TEST(has(early.value().message, "is not valid yet"));
  BOOST_TEST(has(early.value().hint, "timedatectl"));
}

// BindAddress and BindInterface of ssh_config
BOOST_AUTO_TEST_CASE(a_missing_local_address_is_named_with_its_setting) {
  const auto address = diagnosis_of(
      "bind 10.77.0.1: Cannot assign requested address\r\nssh: connect to host 127.0.0.1 port 2310: failure\r\n");
  BOOST_TEST((address.failure == unreachable));
  BOOST_TEST(has(address.message, "address 10.77.0.1 of BindAddress"));
  const auto interface =
      diagnosis_of("getifaddrs: nope0: no suitable addresses\r\nssh: connect to host 127.0.0.1 port 2310: failure\r\n");
  BOOST_TEST(has(interface.message, "interface nope0 of BindInterface"));
}

BOOST_AUTO_TEST_CASE(the_address_that_answered_is_blamed_not_the_one_without_a_route) {
  const auto dual = [](const std::string& last) {
    return diagnosis_of(
        "debug1: connect to address 10.9.9.1 port 2299: Connection refused\r\n"
        "debug1: connect to address 2001:db8::1 port 2299: " +
        last + "\r\nssh: connect to host dual port 2299: " + last + "\r\n");
  };
  for (const std::string last : {"Network is unreachable", "Invalid argument", "No route to host"}) {
    BOOST_TEST((dual(last).failure == refused));
    BOOST_TEST(has(dual(last).message, "10.9.9.1 port 2299 refused"));
  }
}

BOOST_AUTO_TEST_CASE(a_port_below_1024_needs_root) {
  const auto low = tunnel_to("gate@bastion", {"80"});
  for (const auto failure : {forward_denied, forward_busy}) {
    BOOST_TEST(has(explain(failure, low, low->forwards[0]).message, "below 1024"));
    const auto root = tunnel_to("root@bastion", {"80"});
    BOOST_TEST(!has(explain(failure, root, root->forwards[0]).message, "below 1024"));
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_uid_is_explained_in_the_words_of_ssh) {
  const auto found = diagnosis_of(SshOutput{.log = {}, .err = "No user exists for uid 4711\r\n"});
  BOOST_TEST((found.failure == config));
  BOOST_TEST(has(found.message, "no user exists for uid 4711"));
}

BOOST_AUTO_TEST_SUITE_END()
