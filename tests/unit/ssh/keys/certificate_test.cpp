// User certificates as ssh-keygen 9.2 signs them.
#include "ssh/keys/certificate.hpp"

#include "backends/recorded_host.hpp"
#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace holdfast::test;

namespace {

const std::string k_ed25519 =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIBKIgejRL2eTIHO3O+zoNJ0mD"
    "giAY7u7b1QlO0LNMIHgAAAAIPRZwKWwxtoqJgRnZbJnzOSwIiqLLKPl57G4GDMZSWeBAAAAAAAAAAcAAAABAAAAC2FkYSBlZDI1NTE5AAAADwA"
    "AAARnYXRlAAAAA29wcwAAAABq5oEAAAAAAGsME8AAAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2Vud"
    "C1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwA"
    "AAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACBqY80KaJN3LGNqJG1Mt7k4/niFkPXU9Ca81LdU8rEVfQAAAFMAAAALc3NoLWVkMjU1MTkAA"
    "ABAoSThVEmhtpQmbeFEDuywfz/3QVwUqj1b0fpVHL9+vTJA+V5wFFar3wDo9vfrk/eF1Fwit9/m9ZmkzJHqPjXGBg== ada";
const std::string k_ecdsa =
    "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgUkQ8M"
    "LH/iRsLNC4V30sGLpwVPkD7AKc9bBAJTeBN/GUAAAAIbmlzdHAyNTYAAABBBIv2TiMpGG8pzrFv7oufTqi/5DuaHxsLEEjKHwFPaeHqsxwvs/2"
    "Af1DIpENsaXb4TnukRNi/dUNVn6wfHtCfEYMAAAAAAAAABwAAAAEAAAAJYWRhIGVjZHNhAAAADwAAAARnYXRlAAAAA29wcwAAAABq5oEAAAAAA"
    "GsME8AAAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQ"
    "tcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxO"
    "QAAACBqY80KaJN3LGNqJG1Mt7k4/niFkPXU9Ca81LdU8rEVfQAAAFMAAAALc3NoLWVkMjU1MTkAAABAh0VBusm6cK3s8GTssZFQQ1ncTNOtD95"
    "y09OdBOn3il4GwvV8ttIJuAyP19RMfjxU7jsF+xep0WDb6sAvgXPjCg== ada";
const std::string k_rsa_for_ever =
    "ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg+9I6/O89wNybxVxu2Wm28M0nBkS1VWF7e"
    "eMkNR1Ef2kAAAADAQABAAAAgQDXp7YznxpUcpoDxkpFAj/M3Xew24z0lNnNXyAsaRCJNDIndec23XtwIn3TyDeBgAwb1dl7j2gM7Mi4MbnoYQT"
    "0Y6dxLREcamGlopQNPe/IBpnEgXb/bNcueMxuhvRrS+nfK8UEV/9BmJaJ6H26KAABpOmZaoVMbl2AJzfcLBqxqQAAAAAAAAAAAAAAAQAAAAdhZ"
    "GEgcnNhAAAACAAAAARnYXRlAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXcGVybWl0LWF"
    "nZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyL"
    "XJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIGpjzQpok3csY2okbUy3uTj+eIWQ9dT0JrzUt1TysRV9AAAAUwAAAAtzc2gtZWQyNTU"
    "xOQAAAEBxrMJQjDkSW3e2eobvjISC57du7aAGZ1NI7HA8WTNbgBwMYv/yr/4TMJ1R3T1OH4ErvbCv7vEN1Ea/bSlD1+QE ada";
const std::string k_of_a_host =
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAICajor2CBN+oUJPHjyPNPkEjT"
    "5hYV7rx6kt/5uVw3sERAAAAIJq1x3TVzwiHHWJpSOjYWTcGt/eCec3rgRh4mtDY9unoAAAAAAAAAAAAAAACAAAABGhvc3QAAAALAAAAB2Jhc3R"
    "pb24AAAAAAAAAAP//////////AAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACBqY80KaJN3LGNqJG1Mt7k4/niFkPXU9Ca81LdU8"
    "rEVfQAAAFMAAAALc3NoLWVkMjU1MTkAAABACqsft6Nd3YLH2EtMgEoJCwdINXCK0Eu5HL0e5FbyXb+vZamqQ99uyYIzLlbGC9xONLvvSboUDpQ"
    "saZemBv1pBg== h";

WallTime at(const char* text) { return from_rfc3339(text).value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(certificates)

BOOST_AUTO_TEST_CASE(every_key_type_has_its_lifetime_read) {
  for (const auto& [line, key_id] : {std::pair(k_ed25519, "ada ed25519"), std::pair(k_ecdsa, "ada ecdsa")}) {
    const auto certificate = parse_user_certificate(line);
    BOOST_REQUIRE(certificate);
    BOOST_TEST(certificate->key_id == key_id);
    BOOST_TEST((certificate->begins == at("2026-11-01T00:00:00Z")));
    BOOST_TEST((certificate->expires == at("2026-11-29T12:00:00Z")));
  }
  const auto for_ever = parse_user_certificate(k_rsa_for_ever);
  BOOST_REQUIRE(for_ever);
  BOOST_TEST((for_ever->begins == WallTime{}));
  BOOST_TEST(!for_ever->expires);
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_user_certificate) {
  BOOST_TEST(!parse_user_certificate(k_of_a_host));
  BOOST_TEST(!parse_user_certificate(""));
  const auto space = k_ed25519.find(' ');
  BOOST_TEST(!parse_user_certificate("ssh-ed25519" + k_ed25519.substr(space)));
  BOOST_TEST(!parse_user_certificate("ssh-rsa-cert-v01@openssh.com" + k_ed25519.substr(space)));
  for (std::size_t size = 0; size < 260; ++size)  // the lifetime ends there
    BOOST_TEST_CONTEXT(size) BOOST_TEST(!parse_user_certificate(k_ed25519.substr(0, size)));
}

BOOST_AUTO_TEST_CASE(the_certificate_beside_the_key_is_found) {
  RecordedHost host;
  const auto tunnel = tunnel_with_key("gate@bastion", "/home/ada/.ssh/id");
  BOOST_TEST(!find_credential(host, tunnel, "/home/ada"));
  host.put("/home/ada/.ssh/id", "PRIVATE", 0600);
  BOOST_TEST(!find_credential(host, tunnel, "/home/ada").value().certificate);
  host.put("/home/ada/.ssh/id-cert.pub", k_ed25519 + "\n");
  const auto found = find_credential(host, tunnel, "/home/ada");
  BOOST_REQUIRE(found);
  BOOST_TEST(found->file == "/home/ada/.ssh/id-cert.pub");
  BOOST_TEST(found->certificate.value().key_id == "ada ed25519");
  const auto watched = credential_files(tunnel, "/home/ada");
  for (const char* file : {"/home/ada/.ssh/id", "/home/ada/.ssh/id-cert.pub", "/home/ada/.ssh/known_hosts"})
    BOOST_TEST((std::ranges::find(watched, os::fs::path(file)) != watched.end()), file);
}

BOOST_AUTO_TEST_SUITE_END()
