#include "ssh/client/failed_login.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/keys/certificate.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::ssh {
namespace {

/// No key file exists, and no agent has keys for the job.
bool has_no_key(const os::Host& host, const Tunnel& tunnel, const Resolution& bastion, const os::User& user) {
  const bool has_agent = bastion.agent && *bastion.agent != "none" && *bastion.agent != "SSH_AUTH_SOCK";
  if (tunnel->identity || has_agent || bastion.uses_token) return false;
  return std::ranges::none_of(bastion.identities, [&](const std::string& key) {
    const auto file = resolve_identity(key, user.home, user.home);
    return !file || host.status(*file).kind != os::FileKind::missing;
  });
}

/// What a verbose log would tell about a refused key.
std::optional<Diagnosis> explain_refused_key(const os::Host& host, const Client& client, const Tunnel& tunnel) {
  const auto user = host.user();
  if (auto invalid = check_certificate(host, tunnel, user.home)) return invalid;
  const auto bastion = resolve(host, client, tunnel->bastion, tunnel->ssh_options, user);
  if (!bastion) return std::nullopt;
  if (!bastion->offers_keys && !chooses_methods(tunnel))
    return make_diagnosis(FailureClass::config, tunnel, Evidence{.offers_no_key = true});
  if (has_no_key(host, tunnel, *bastion, user))
    return make_diagnosis(FailureClass::key_missing, tunnel, Evidence{.has_no_key = true});
  return std::nullopt;
}

}  // namespace

std::optional<Diagnosis> diagnose_failed_login(const os::Host& host, const Client& client, SshOutput output,
                                               const Tunnel& tunnel) {
  auto diagnosis = diagnose(output, tunnel);
  if (!diagnosis) return diagnosis;
  const auto user = host.user();
  switch (diagnosis->failure) {
    case FailureClass::auth: {
      auto better = explain_refused_key(host, client, tunnel);
      return better ? better : diagnosis;
    }
    case FailureClass::host_key_unknown: {
      const auto bastion = resolve(host, client, tunnel->bastion, tunnel->ssh_options, user);
      return bastion ? with_settings(std::move(*diagnosis), *bastion) : diagnosis;
    }
    case FailureClass::jump_host: {
      const auto route = resolve_route(host, client, tunnel->bastion, tunnel->ssh_options, user);
      if (!route) return diagnosis;
      output.jump_hosts = route->jump_hosts();
      return diagnose(output, tunnel);
    }
    default:
      return diagnosis;
  }
}

Diagnosis with_settings(Diagnosis diagnosis, const Resolution& bastion) {
  if (diagnosis.failure == FailureClass::host_key_unknown && bastion.known_hosts == "/dev/null") {
    diagnosis.message += "; ssh_config has UserKnownHostsFile /dev/null, so ssh remembers no key";
    diagnosis.hint =
        "remove UserKnownHostsFile /dev/null for this host from ssh_config, or pin the key: --accept-new-host-key";
  }
  return diagnosis;
}

}  // namespace holdfast::ssh
