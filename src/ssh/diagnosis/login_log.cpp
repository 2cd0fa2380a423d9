#include "ssh/diagnosis/login_log.hpp"

#include "ssh/diagnosis/messages.hpp"

namespace holdfast::ssh {
namespace {

bool remove_prefix(std::string_view& line, std::string_view start) noexcept {
  if (!line.starts_with(start)) return false;
  line.remove_prefix(start.size());
  return true;
}

// The short name of a key type, as in ssh-keygen -l: "ED25519" for "ssh-ed25519".
std::string_view short_type(std::string_view type) noexcept {
  const bool certificate = type.find("-cert-v01@") != std::string_view::npos;
  if (type.substr(0, 11) == "ssh-ed25519") return certificate ? "ED25519-CERT" : "ED25519";
  if (type.substr(0, 7) == "ssh-rsa") return certificate ? "RSA-CERT" : "RSA";
  if (type.substr(0, 11) == "ecdsa-sha2-") return certificate ? "ECDSA-CERT" : "ECDSA";
  return type;
}

// Reads "ssh-ed25519 SHA256:…"; a certificate has ", serial 0 ID …" after it.
std::string short_key(std::string_view rest) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string_view fingerprint = rest.substr(space + 1);
  return std::string(short_type(rest.substr(0, space))) + " " +
         std::string(fingerprint.substr(0, fingerprint.find_first_of(", ")));
}

// "ssh-ed25519-cert-v01@openssh.com SHA256:…, serial 0 ID "bast" CA ssh-ed25519 SHA256:… valid from … to …"
std::string certificate_text(std::string_view rest) {
  const auto at = rest.find(" ID \"");
  return at == std::string_view::npos ? std::string() : std::string(rest.substr(at + 1));
}

}  // namespace

LoginProgress read_login_log(std::string_view log) {
  LoginProgress progress;
  bool is_signed = false;  // by a known authority; ssh checks the dates after that
  bool takes_keys = false;
  bool tries_keys = false;
  bool found_key = false;
  for (std::string_view line : lines_of(log)) {
    if (remove_prefix(line, "debug1: Connecting to ")) {
      progress.address = between(line, " [", "] port ");
    } else if (remove_prefix(line, "debug1: Remote protocol version ")) {
      progress.has_banner = true;
    } else if (remove_prefix(line, "debug1: kex_exchange_identification: banner line 0: ")) {
      progress.foreign = line;
    } else if (remove_prefix(line, "debug1: Server host key: ")) {
      progress.host_key = short_key(line);
    } else if (remove_prefix(line, "debug1: Server host certificate: ")) {
      progress.host_key = short_key(line);
      progress.host_certificate = certificate_text(line);
    } else if (remove_prefix(line, "debug1: Host '")) {
      const bool matches = line.find("' is known and matches the ") != std::string_view::npos;
      is_signed = is_signed || (matches && line.ends_with(" host certificate."));
      progress.host_key_trusted = progress.host_key_trusted || (matches && !is_signed);
    } else if (line.starts_with("Certificate invalid: ")) {
      is_signed = false;
    } else if (line == "debug1: SSH2_MSG_NEWKEYS sent") {
      progress.host_key_trusted = progress.host_key_trusted || is_signed;
    } else if (remove_prefix(line, "Warning: Permanently added ")) {
      progress.host_key_trusted = true;
    } else if (remove_prefix(line, "debug1: Authentications that can continue: ")) {
      found_key = found_key || progress.is_verbose;  // the answer to a key
      progress.is_verbose = true;
      takes_keys = takes_keys || line.find("publickey") != std::string_view::npos;
    } else if (line == "debug1: Next authentication method: publickey") {
      tries_keys = true;
    } else if (line.starts_with("debug1: Offering public key: ") ||
               line.starts_with("debug1: Offering RSA public key: ")) {
      found_key = true;
    } else if (remove_prefix(line, "debug1: connect to address ") && line.ends_with(": Connection timed out")) {
      progress.silent_addresses.emplace_back(line.substr(0, line.find(" port ")));
    }
  }
  progress.offers_no_key = takes_keys && !tries_keys;
  progress.has_no_key = tries_keys && !found_key;
  return progress;
}

}  // namespace holdfast::ssh
