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

}  // namespace

LoginProgress read_login_log(std::string_view log) {
  LoginProgress progress;
  for (std::string_view line : lines_of(log)) {
    if (remove_prefix(line, "debug1: Remote protocol version ")) {
      progress.has_banner = true;
    } else if (remove_prefix(line, "debug1: kex_exchange_identification: banner line 0: ")) {
      progress.foreign = line;
    } else if (remove_prefix(line, "debug1: Server host key: ") ||
               remove_prefix(line, "debug1: Server host certificate: ")) {
      progress.host_key = short_key(line);
    } else if (remove_prefix(line, "debug1: Host '")) {
      if (line.find("' is known and matches the ") != std::string_view::npos) progress.host_key_trusted = true;
    } else if (remove_prefix(line, "Warning: Permanently added ")) {
      progress.host_key_trusted = true;
    }
  }
  return progress;
}

}  // namespace holdfast::ssh
