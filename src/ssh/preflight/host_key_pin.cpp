#include "core/text.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/preflight/preflight_run.hpp"

namespace holdfast::ssh {
namespace {

constexpr Version k_first_with_accept_new{7, 6};
constexpr std::size_t k_largest_pin = 16 * 1024;

fs::path temporary_file(const PreflightRun& run) { return run.request.scratch_directory / "known_hosts"; }

// The user that ssh runs as can replace its file, and root reads it: accept nothing but lines of a known_hosts file.
bool is_known_hosts(std::string_view text) {
  bool has_key = false;
  for (const auto& line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto fields = split(line, ' ');
    if (fields.size() < 3 || !fields[2].starts_with("AAAA") || has_control_bytes(line)) return false;
    has_key = true;
  }
  return has_key;
}

}  // namespace

Result<std::vector<SshOption>> pinning_options(PreflightRun& run) {
  if (run.request.client.version < k_first_with_accept_new)
    return Error{"pinning the host key of", run.tunnel->bastion.text(), "this ssh is older than OpenSSH 7.6",
                 "run ssh " + run.tunnel->bastion.ssh_argument() + " once by hand"};
  // The list replaces the user's own files, so a changed key would pass for an unknown one.
  for (const SshOption& option : run.tunnel->ssh_options)
    if (equals_ignoring_case(option.key, "UserKnownHostsFile"))
      return usage_error("accept-new-host-key", "the option UserKnownHostsFile names the only keys to trust",
                         "compare the host key, and add it to " + option.value);
  HOLDFAST_CHECK(run.host.remove_file(temporary_file(run)));
  return std::vector<SshOption>{{"StrictHostKeyChecking", "accept-new"},
                                {"UserKnownHostsFile", file_value(temporary_file(run))},  // never the user's own file
                                {"HashKnownHosts", "no"}};
}

Result<> keep_pin(PreflightRun& run) {
  HOLDFAST_TRY(std::string pinned, run.host.read_file(temporary_file(run), k_largest_pin));
  if (!is_known_hosts(pinned))
    return Error{"pinning the host key of", run.tunnel->bastion.text(), "ssh wrote no valid host key", {}};
  // Earlier pins of this tunnel, for another name or type of key, stay valid.
  if (run.tunnel->known_hosts)
    if (const auto previous = run.host.read_file(*run.tunnel->known_hosts)) pinned = *previous + pinned;
  auto& report = run.checks.report();
  report.pinned_lines = std::move(pinned);
  if (run.request.pin_file.empty()) return {};
  const bool is_own = run.request.run_as.uid == run.host.user().uid;
  return run.host.write_file(run.request.pin_file, report.pinned_lines, is_own ? 0600 : 0644);
}

}  // namespace holdfast::ssh
