#include "ssh/keys/identity.hpp"

#include "ssh/client/as_user.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/messages.hpp"
#include "ssh/keys/public_key.hpp"

#include <string>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_deadline{5};
constexpr std::size_t k_largest_key_file = 64 * 1024;

Diagnosis key_diagnosis(FailureClass failure, const Tunnel& tunnel, const fs::path& key, std::string_view why) {
  // As ssh words it, so that one place has the words for what ssh and ssh-keygen say.
  const std::string line = "Load key \"" + key.native() + "\": " + std::string(why);
  return make_diagnosis(failure, tunnel, Evidence{.circumstance = line});
}

Diagnosis key_diagnosis(const Tunnel& tunnel, const fs::path& key, std::string_view said) {
  const auto says = [&](std::string_view text) { return said.find(text) != std::string_view::npos; };
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
    return Diagnosis{FailureClass::ssh_missing, "ssh-keygen, which comes with ssh, is not in PATH",
                     make_diagnosis(FailureClass::ssh_missing, tunnel, {}).hint};
  os::Command command{{program->native(), "-y", "-P", "", "-f", key.native()}, request.environment};
  auto wrapped = command_as(host, request.run_as, std::move(command));
  if (!wrapped) return Diagnosis{FailureClass::config, wrapped.error().line(), wrapped.error().hint};
  const auto said = host.run(*wrapped, k_deadline);
  if (!said) return Diagnosis{FailureClass::config, said.error().line(), said.error().hint};
  if (said->ok()) return std::nullopt;
  if (said->timed_out) return key_diagnosis(FailureClass::key_missing, tunnel, key, "it cannot be read to its end");

  const Diagnosis found = key_diagnosis(tunnel, key, said->err);
  // A public key is open to all as a rule, and chmod would be the wrong advice.
  const bool may_be_public = found.failure == FailureClass::key_permissions || said->err.find("Load key") == 0;
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
    if (!problem) return std::nullopt;  // one was fit for use, and it was refused
    if (problem->failure == FailureClass::key_passphrase && !locked) locked = problem;
  }
  return locked;
}

}  // namespace holdfast::ssh
