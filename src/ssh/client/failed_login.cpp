#include "ssh/client/failed_login.hpp"

#include "ssh/client/resolution.hpp"
#include "ssh/keys/certificate.hpp"

#include <utility>

namespace holdfast::ssh {

std::optional<Diagnosis> diagnose_failed_login(const os::Host& host, const Client& client, SshOutput output,
                                               const Tunnel& tunnel) {
  auto diagnosis = diagnose(output, tunnel);
  if (!diagnosis) return diagnosis;
  const auto user = host.user();
  if (diagnosis->failure == FailureClass::auth) {
    if (auto invalid = check_certificate(host, tunnel, user.home)) return invalid;
  } else if (diagnosis->failure == FailureClass::jump_host) {
    const auto route = resolve_route(host, client, tunnel->bastion, tunnel->ssh_options, user);
    if (!route) return diagnosis;
    output.jump_hosts = route->jump_hosts();
    return diagnose(output, tunnel);
  }
  return diagnosis;
}

}  // namespace holdfast::ssh
