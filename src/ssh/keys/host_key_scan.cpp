#include "ssh/keys/host_key_scan.hpp"

#include "core/loopback_endpoint.hpp"
#include "core/text.hpp"

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_deadline(5);

bool is_base64(std::string_view text) {
  return text.starts_with("AAAA") && consists_of(text, "+/=") && text.size() < 8192;
}

}  // namespace

std::string scanned_key(std::string_view output) {
  for (const std::string& line : split(output, '\n')) {
    if (line.starts_with("#")) continue;
    const auto fields = split(line, ' ');
    if (fields.size() == 3 && consists_of(fields[1], "-.@") && is_base64(fields[2])) return fields[1] + ' ' + fields[2];
  }
  return {};
}

std::string scan_host_key(const os::Host& host, const End& target) {
  const auto* end = std::get_if<TcpEnd>(&target);
  if (end == nullptr || !is_loopback_address(target)) return {};
  // Each type of key is a connection, which sshd may count: so one first.
  for (const char* types : {"ed25519", "ecdsa,rsa"}) {
    const os::Command command{
        {"ssh-keyscan", "-T", "2", "-t", types, "-p", std::to_string(end->port), "--", end->host}};
    const auto done = host.run(command, k_deadline);
    if (!done) return {};
    if (auto key = scanned_key(done->out); !key.empty()) return key;
  }
  return {};
}

}  // namespace holdfast::ssh
