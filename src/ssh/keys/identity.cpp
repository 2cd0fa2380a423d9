#include "ssh/keys/identity.hpp"

#include "ssh/client/as_user.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/messages.hpp"
#include "ssh/keys/public_key.hpp"

#include <string>

namespace holdfast::ssh {
namespace {

Diagnosis key_diagnosis(FailureClass failure, const Tunnel& tunnel, const fs::path& key, std::string_view why) {
  // Written like a message of ssh, so that a problem found by ssh-keygen gets the same text.
  const std::string line = "Load key \"" + key.native() + "\": " + std::string(why);
  return make_diagnosis(failure, tunnel, Evidence{.circumstance = line});
}

Diagnosis key_diagnosis(const Tunnel& tunnel, const fs::path& key, std::string_view output) {
  const auto says = [&](std::string_view text) { return output.find(text) != std::string_view::npos; };
  if (says("incorrect passphrase"))
    return key_diagnosis(FailureClass::key_passphrase, tunnel, key, "incorrect passphrase");
  if (says("Is a directory")) return key_diagnosis(FailureClass::key_missing, tunnel, key, "Is a directory");
  if (says("bad permissions")) return key_diagnosis(FailureClass::key_permissions, tunnel, key, "bad permissions");
  if (says("Permission denied")) return key_diagnosis(FailureClass::key_permissions, tunnel, key, "Permission denied");
  if (says("No such file or directory") || says("Not a directory"))
    return key_diagnosis(FailureClass::key_missing, tunnel, key, "No such file or directory");
  return key_diagnosis(FailureClass::key_missing, tunnel, key, "invalid format");
}

}  // namespace

std::optional<Diagnosis> check_key(os::Host& host, const Tunnel& tunnel, const fs::path& key,
                                   const PreflightRequest& request) {
  const auto program = host.find_program("ssh-keygen");
  if (!program)
    return Diagnosis{FailureClass::ssh_missing, "ssh-keygen is not installed, or not in PATH", k_install_ssh};
  os::Command command{{program->native(), "-y", "-P", "", "-f", key.native()}, request.environment};
  auto wrapped = command_as(host, request.run_as, std::move(command));
  if (!wrapped) return Diagnosis{FailureClass::config, wrapped.error().line(), wrapped.error().hint};
  const auto done = host.run(*wrapped, k_key_tool_timeout);
  if (!done) return Diagnosis{FailureClass::config, done.error().line(), done.error().hint};
  if (done->ok()) return std::nullopt;
  if (done->timed_out) return key_diagnosis(FailureClass::key_missing, tunnel, key, "reading timed out");

  const Diagnosis found = key_diagnosis(tunnel, key, done->err);
  // ssh-keygen complains about the mode of a public key, which all may read. The hint is to give the private key.
  const bool may_be_public = found.failure == FailureClass::key_permissions || done->err.find("Load key") == 0;
  if (may_be_public)
    if (const auto text = host.read_file(key, k_largest_key_file); text && begins_as_public_key(*text))
      return key_diagnosis(FailureClass::key_missing, tunnel, key, "it is a public key");
  return found;
}

std::optional<Diagnosis> check_identity(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request) {
  if (!tunnel->identity) return std::nullopt;
  return check_key(host, tunnel, *tunnel->identity, request);
}

std::optional<Diagnosis> check_default_keys(os::Host& host, const Tunnel& tunnel, const PreflightRequest& request,
                                            std::string_view log) {
  if (tunnel->identity) return std::nullopt;
  std::optional<Diagnosis> locked;
  for (const std::string_view line : lines_of(log)) {
    // "debug1: identity file /home/u/.ssh/id_ed25519 type 3"
    constexpr std::string_view k_start = "debug1: identity file ";
    if (line.substr(0, k_start.size()) != k_start) continue;
    const auto end = line.rfind(" type ");
    if (end == std::string_view::npos || end <= k_start.size()) continue;
    const fs::path key(std::string(line.substr(k_start.size(), end - k_start.size())));
    if (!key.is_absolute() || host.status(key).kind == os::FileKind::missing || key.extension() == ".pub") continue;
    const auto problem = check_key(host, tunnel, key, request);
    if (!problem) return std::nullopt;  // this key works, and the bastion refused it
    if (problem->failure == FailureClass::key_passphrase && !locked) locked = problem;
  }
  return locked;
}

}  // namespace holdfast::ssh
