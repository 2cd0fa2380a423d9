#include "backends/text/unit.hpp"

#include "backends/text/templates.hpp"
#include "backends/text/unit_text.hpp"
#include "core/text.hpp"
#include "core/tunnel.hpp"

#include <algorithm>
#include <array>

namespace holdfast::backends {
namespace {

Result<std::string> exec_stop_post(const Job& job) {
  if (job.argv.size() < 2 || job.argv[1] != "run") return std::string();
  auto argv = job.argv;
  argv[1] = "reap";
  HOLDFAST_TRY(auto line, encode_exec_line(argv));
  // When told to stop, the supervisor leaves its ssh to `reap`, which knows from systemd whether a restart follows.
  return "ExecStopPost=" + line + "\nEnvironment=HOLDFAST_REAPED=yes";
}

Result<std::string> environment_lines(const os::Environment& environment) {
  std::string lines;
  for (const auto& [key, value] : environment) {
    HOLDFAST_TRY(const auto assignment, encode_environment(key, value));
    lines += (lines.empty() ? "Environment=" : "\nEnvironment=") + assignment;
  }
  return lines;
}

Result<std::string> condition_host(const std::string& host) {
  if (host.empty() || host == k_any_host) return std::string();
  HOLDFAST_TRY(auto name, encode_host(host));
  return "ConditionHost=" + name;
}

// Waits for a home on NFS or behind an automounter: ssh reads its key there.
Result<std::string> requires_mounts_for(const fs::path& home) {
  if (home.empty()) return std::string();
  HOLDFAST_TRY(auto path, encode_path(home.string()));
  return "RequiresMountsFor=" + path;
}

bool is_sandbox_setting(std::string_view key) {
  constexpr std::array k_prefixes{"NoNewPrivileges", "Protect",    "Private",   "Restrict",
                                  "LockPersonality", "SystemCall", "RemoveIPC", "MemoryDenyWriteExecute",
                                  "Capability",      "Ambient",    "UMask",     "User"};
  // Not RestartSec=. Not RuntimeDirectory= and the like: the proof would create and remove the tunnel's directories.
  return std::any_of(k_prefixes.begin(), k_prefixes.end(), [&](std::string_view p) { return key.starts_with(p); });
}

// A system call that an older libseccomp does not know is ignored in a unit file, but makes systemd-run fail.
bool names_single_calls(std::string_view line) {
  constexpr std::string_view k_key = "SystemCallFilter=";
  return line.starts_with(k_key) && line.size() > k_key.size() && line[k_key.size()] != '@' &&
         line[k_key.size()] != '~';
}

}  // namespace

Result<std::string> render_unit(const Job& job, const std::string& template_name, const os::Host& host) {
  HOLDFAST_TRY(const auto text, find_template(template_name, job.paths, host));
  std::map<std::string, std::string> values;
  values["NAME"] = job.name.text();
  HOLDFAST_TRY(values["EXEC_START"], encode_exec_line(job.argv));
  HOLDFAST_TRY(values["EXEC_STOP_POST"], exec_stop_post(job));
  HOLDFAST_TRY(values["ENVIRONMENT"], environment_lines(job.environment));
  HOLDFAST_TRY(values["CONDITION_HOST"], condition_host(job.host));
  if (job.paths.scope == Scope::system) {
    HOLDFAST_TRY(values["USER"],
                 encode_user(job.run_as.name.empty() ? std::to_string(job.run_as.uid) : job.run_as.name));
    HOLDFAST_TRY(values["REQUIRES_MOUNTS_FOR"], requires_mounts_for(job.run_as.home));
  }
  return fill_template(text.text, values, text.source);
}

std::vector<std::string> sandbox_arguments(std::string_view unit_text) {
  std::vector<std::string> arguments;
  for (const auto& line : split(unit_text, '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string::npos || line.starts_with('#')) continue;
    if (is_sandbox_setting(std::string_view(line).substr(0, equals)) && !names_single_calls(line))
      arguments.push_back("--property=" + line);
  }
  return arguments;
}

}  // namespace holdfast::backends
