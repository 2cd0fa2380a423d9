#include "ssh/server/sshd_config.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::ssh {
namespace {

constexpr Version k_first_with_set_env{7, 8};

bool is_for_visitors(std::string_view name) {
  constexpr std::array<std::string_view, 4> k_names{"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                                    "GPU_DEVICE_ORDINAL", "TMPDIR"};
  return name.starts_with("SLURM_") || std::ranges::find(k_names, name) != k_names.end();
}

/// In one line: of several SetEnv lines sshd uses the first.
std::string set_env_line(const os::Environment& environment) {
  std::string line;
  for (const auto& [name, value] : environment) line += fmt::format(" \"{}={}\"", name, value);
  return line.empty() ? line : "SetEnv" + line + "\n";
}

}  // namespace

SshdFiles sshd_files(const fs::path& directory) {
  return {directory / "sshd_config", directory / "host_key", directory / "authorized_keys", directory / "sshd.log"};
}

std::string sshd_config(const SshdSettings& settings, const Version& version) {
  auto text = fmt::format(
      "ListenAddress 127.0.0.1:{}\n"
      "HostKey {}\n"
      "AuthorizedKeysFile {}\n"
      "AllowUsers {}\n"
      "AuthenticationMethods publickey\n"
      "PubkeyAuthentication yes\n"
      "PasswordAuthentication no\n"
      "ChallengeResponseAuthentication no\n"
      "HostbasedAuthentication no\n"
      "PermitRootLogin prohibit-password\n"
      "StrictModes {}\n"
      "UsePAM no\n"
      "UseDNS no\n"
      "PidFile none\n"
      "LoginGraceTime 30\n"
      "ClientAliveInterval 30\n"
      "PrintMotd no\n"
      "PrintLastLog no\n"
      "AcceptEnv LANG LC_*\n"
      "Subsystem sftp internal-sftp\n",
      settings.port, settings.files.host_key.native(), settings.files.authorized_keys.native(),
      user_pattern(settings.user), settings.strict_modes ? "yes" : "no");
  if (version >= k_first_with_set_env) text += set_env_line(settings.environment);
  return text;
}

os::Environment visitor_environment(const os::Environment& environment) {
  os::Environment chosen;
  for (const auto& [name, value] : environment)
    if (is_for_visitors(name) && is_variable_name(name) && !has_control_bytes(value) &&
        value.find_first_of("\"'\\") == std::string::npos)
      chosen.emplace(name, value);
  return chosen;
}

std::string user_pattern(const std::string& user) {
  auto pattern = user;
  std::ranges::replace_if(
      pattern,
      [](char c) {
        return !consists_of({&c, 1}, "._-");
      },
      '?');
  return pattern;
}

}  // namespace holdfast::ssh
