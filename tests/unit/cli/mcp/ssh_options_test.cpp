// The ssh options that an agent may set, through every tool that has them.
#include "cli/mcp/ssh_options.hpp"
#include "cli/mcp/tools.hpp"
#include "mcp/schema.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::cli;
namespace json = boost::json;

namespace {

/// Calls `tool` with one ssh option, and with its required arguments.
Result<std::vector<std::string>> words_with(const mcp::Tool& tool, std::string_view option) {
  json::object arguments{{"ssh_options", json::array{json::string(option)}}};
  for (const auto& parameter : tool.parameters)
    if (parameter.required) arguments[parameter.name] = 2222;
  return mcp::command_line(tool, arguments);
}

std::vector<const mcp::Tool*> tools_with_ssh_options() {
  std::vector<const mcp::Tool*> tools;
  for (const auto& tool : mcp_tools())
    if (std::ranges::any_of(tool.parameters, [](const auto& one) { return one.option == "ssh-option"; }))
      tools.push_back(&tool);
  return tools;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_ssh_options)

BOOST_AUTO_TEST_CASE(refuses_options_that_run_programs_or_weaken_trust) {
  BOOST_REQUIRE(tools_with_ssh_options().size() == 2U);
  for (const std::string key : {"ProxyCommand",
                                "LocalCommand",
                                "PermitLocalCommand",
                                "KnownHostsCommand",
                                "RemoteCommand",
                                "Match",
                                "Include",
                                "PKCS11Provider",
                                "SmartcardDevice",
                                "SecurityKeyProvider",
                                "XAuthLocation",
                                "UserKnownHostsFile",
                                "GlobalKnownHostsFile",
                                "UserKnownHostsFile2",
                                "IdentityFile",
                                "IdentityFile2",
                                "IdentityAgent",
                                "CertificateFile",
                                "RevokedHostKeys",
                                "ControlPath",
                                "AddKeysToAgent",
                                "ForwardAgent",
                                "ForwardX11",
                                "SendEnv",
                                "SetEnv",
                                "StrictHostKeyChecking",
                                "VerifyHostKeyDNS",
                                "HostKeyAlias",
                                "CheckHostIP",
                                "HostName",
                                "CanonicalizeHostname",
                                "UpdateHostKeys",
                                "GSSAPIDelegateCredentials",
                                "GSSAPITrustDns",
                                "EnableSSHKeysign",
                                "RequiredRSASize",
                                "CASignatureAlgorithms",
                                "Tunnel",
                                "Tag",
                                "IgnoreUnknown",
                                "NoSuchOption"}) {
    std::string upper = key;
    std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    for (const auto& option :
         {key + "=touch /tmp/x", upper + "=x", " " + key + " = x", key + " x", key + "\tx", key + "\t= x",
          key + "=\"x\"", "\"" + key + "\"=x", "'" + key + "'=x", "Compression=yes\n" + key + "=x", key + "\n=x"})
      for (const auto* tool : tools_with_ssh_options()) {
        const auto words = words_with(*tool, option);
        BOOST_TEST_REQUIRE(!words, tool->name << " lets " << option << " through");
        BOOST_TEST((words.error().status == ExitStatus::usage), option);
        BOOST_TEST((words.error().subject.find("ssh-option") != std::string::npos), words.error().subject);
        BOOST_TEST(!words.error().hint.empty(), option);
      }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_lists_the_allowed_options) {
  const auto refused = check_agents_ssh_option("proxycommand=nc %h %p");
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().line() == "reading ssh-option proxycommand: an agent may not set it");
  for (const std::string key : {"Compression", "Ciphers", "ProxyJump"})
    BOOST_TEST((refused.error().hint.find(key) != std::string::npos), key);
}

BOOST_AUTO_TEST_CASE(passes_a_harmless_option_unchanged) {
  for (const auto* tool : tools_with_ssh_options())
    for (const std::string option :
         {"Compression=yes", "KexAlgorithms=+diffie-hellman-group14-sha1", "compression = no", "AddressFamily=inet",
          "ProxyJump=ann@jump.example:2200,[::1]:22", "ProxyJump=none"}) {
      const auto words = words_with(*tool, option);
      BOOST_TEST_REQUIRE(words.has_value(), option);
      BOOST_TEST((std::ranges::find(*words, "--ssh-option=" + option) != words->end()), option);
    }
}

BOOST_AUTO_TEST_CASE(a_jump_host_never_reaches_a_shell) {
  for (const std::string host : {"$(touch x)", "`touch x`", "a;touch x", "-oProxyCommand=x", "a,-oProxyCommand=x",
                                 "a, b", "a b", "'a'", "\"a\"", "a|b", "a,,b"})
    BOOST_TEST(!check_agents_ssh_option("ProxyJump=" + host), host);
}

BOOST_AUTO_TEST_SUITE_END()
