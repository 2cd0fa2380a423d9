#include "ssh/diagnosis/login_log.hpp"

#include "ssh/diagnosis/messages.hpp"

namespace holdfast::ssh {
namespace {

bool take(std::string_view& line, std::string_view start) noexcept {
  if (line.substr(0, start.size()) != start) return false;
  line.remove_prefix(start.size());
  return true;
}

// "ssh-ed25519" as ssh names it to people: "ED25519". ssh-keygen(1), -l
std::string_view name_of(std::string_view type) noexcept {
  const bool certificate = type.find("-cert-v01@") != std::string_view::npos;
  if (type.substr(0, 11) == "ssh-ed25519") return certificate ? "ED25519-CERT" : "ED25519";
  if (type.substr(0, 7) == "ssh-rsa") return certificate ? "RSA-CERT" : "RSA";
  if (type.substr(0, 11) == "ecdsa-sha2-") return certificate ? "ECDSA-CERT" : "ECDSA";
  return type;
}

// "ssh-ed25519 SHA256:…", and of a certificate ", serial 0 ID …" after it.
std::string key_of(std::string_view rest) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string_view fingerprint = rest.substr(space + 1);
  return std::string(name_of(rest.substr(0, space))) + " " +
         std::string(fingerprint.substr(0, fingerprint.find_first_of(", ")));
}

}  // namespace

LoginProgress read_login_log(std::string_view log) {
  LoginProgress progress;
  for (std::string_view line : lines_of(log)) {
    if (take(line, "debug1: Remote protocol version ")) {
      progress.has_banner = true;
    } else if (take(line, "debug1: kex_exchange_identification: banner line 0: ")) {
      progress.foreign = line;
    } else if (take(line, "debug1: Server host key: ") || take(line, "debug1: Server host certificate: ")) {
      progress.host_key = key_of(line);
    } else if (take(line, "debug1: Host '")) {
      if (line.find("' is known and matches the ") != std::string_view::npos) progress.host_key_trusted = true;
    } else if (take(line, "Warning: Permanently added ")) {
      progress.host_key_trusted = true;
    }
  }
  return progress;
}

}  // namespace holdfast::ssh
