#include "ssh/diagnosis/messages.hpp"

#include <array>

namespace holdfast::ssh {
namespace {

using enum FailureClass;
using enum Weight;

struct Pattern {
  std::string_view begins;
  std::string_view holds;  ///< anywhere after `begins`
  std::string_view ends;   ///< at the end of the line, after `holds`
  FailureClass failure;
  Weight weight;
};

// The first match wins: specific patterns come before general ones.
constexpr std::array k_patterns{
    // Resolving and connecting
    Pattern{"ssh: Could not resolve hostname ", "", "", dns, decisive},
    Pattern{"ssh: connect to host ", "", ": Connection refused", refused, decisive},
    Pattern{"ssh: connect to host ", "", ": Connection timed out", timeout, decisive},
    Pattern{"ssh: connect to host ", "", ": Operation timed out", timeout, decisive},
    Pattern{"ssh: connect to host ", "", "", unreachable, decisive},
    Pattern{"bind ", "", ": Cannot assign requested address", unreachable, circumstance},
    Pattern{"getifaddrs: ", "", ": no suitable addresses", unreachable, circumstance},
    Pattern{"jumphost loop via ", "", "", jump_host, decisive},
    Pattern{"Connection timed out during banner exchange", "", "", timeout, decisive},
    Pattern{"Connection to ", " port ", " timed out", timeout, consequence},
    // Banner exchange: MaxStartups, a proxy, a ban, or not an ssh server
    Pattern{"kex_exchange_identification: ", "", "", closed, decisive},
    Pattern{"ssh_exchange_identification: ", "", "", closed, decisive},
    Pattern{"banner exchange: Connection ", "", "", closed, decisive},
    Pattern{"Protocol major versions differ", "", "", crypto, decisive},
    // Key exchange
    Pattern{"Unable to negotiate with ", "", "", crypto, decisive},
    Pattern{"no mutual signature algorithm", "", "", crypto, circumstance},
    Pattern{"sign_and_send_pubkey: no mutual signature supported", "", "", crypto, circumstance},
    Pattern{"Bad server host key: ", "", "", crypto, decisive},
    Pattern{"ssh_dispatch_run_fatal: Connection ", "", ": message authentication code incorrect", crypto, decisive},
    Pattern{"ssh_dispatch_run_fatal: Connection ", "", ": Invalid key length", crypto, decisive},
    Pattern{"ssh_dispatch_run_fatal: Connection ", "", ": error in libcrypto", crypto, decisive},
    Pattern{"ssh_dispatch_run_fatal: Connection ", "", ": Connection timed out", dead_peer, decisive},
    Pattern{"ssh_dispatch_run_fatal: Connection ", "", ": No route to host", dead_peer, decisive},
    Pattern{"ssh_dispatch_run_fatal: Connection ", "", "", closed, decisive},
    // Host key
    Pattern{"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "", "", host_key_changed, circumstance},
    Pattern{"@       WARNING: REVOKED HOST KEY DETECTED!", "", "", host_key_changed, circumstance},
    Pattern{"Host key for ", "", " has changed and you have requested strict checking.", host_key_changed, decisive},
    Pattern{"No ", " host key is known for ", " and you have requested strict checking.", host_key_unknown, decisive},
    Pattern{"Host key verification failed.", "", "", host_key_unknown, consequence},
    Pattern{"Certificate invalid: ", "", "", certificate, circumstance},
    // Private key
    Pattern{"Warning: Identity file ", " not accessible: ", "No such file or directory.", key_missing, circumstance},
    Pattern{"Warning: Identity file ", " not accessible: ", "", key_permissions, circumstance},
    Pattern{"no such identity: ", "", "No such file or directory", key_missing, circumstance},
    Pattern{"no such identity: ", "", "", key_permissions, circumstance},
    Pattern{"Load key \"", "\": bad permissions", "", key_permissions, circumstance},
    Pattern{"Load key \"", "\": Permission denied", "", key_permissions, circumstance},
    Pattern{"Load key \"", "\": incorrect passphrase", "", key_passphrase, circumstance},
    Pattern{"Load key \"", "\": ", "", key_missing, circumstance},
    Pattern{"Authenticated using \"publickey\" with partial success.", "", "", second_factor, circumstance},
    Pattern{"Authenticated with partial success.", "", "", second_factor, circumstance},  // up to 8.4
    Pattern{"Permission denied (", "", ").", auth, decisive},
    Pattern{"Received disconnect from ", "", ": Too many authentication failures", auth, decisive},
    Pattern{"Received disconnect from ", "", ": Too many authentication failures [preauth]", auth, decisive},
    // Forwards
    Pattern{"Error: remote port forwarding failed for listen ", "", "", forward_busy, decisive},
    Pattern{"Error: remote forward failure for: ", "", "", forward_busy, decisive},
    Pattern{"Warning: remote port forwarding failed for listen ", "", "", forward_busy, remark},
    Pattern{"mux_confirm_remote_forward: remote port forwarding failed for listen ", "", "", forward_busy, remark},
    Pattern{"remote port forwarding failed for listen ", "", "", forward_busy, remark},
    Pattern{"connect_to ", "", ": failed.", target_down, remark},
    Pattern{"connect_to ", "", ": unknown host (", target_down, remark},
    // After the login
    Pattern{"Timeout, server ", "", " not responding.", dead_peer, decisive},
    Pattern{"Read from remote host ", "", ": Connection timed out", dead_peer, decisive},
    Pattern{"Read from remote host ", "", ": No route to host", dead_peer, decisive},
    Pattern{"Read from remote host ", "", ": Network is unreachable", dead_peer, decisive},
    Pattern{"Read from remote host ", "", "", closed, decisive},
    Pattern{"client_loop: send disconnect: Broken pipe", "", "", closed, consequence},
    Pattern{"client_loop: send disconnect: ", "", "", dead_peer, consequence},
    Pattern{"packet_write_wait: Connection to ", "", "", closed, consequence},
    Pattern{"Connection to ", "", " closed by remote host.", closed, decisive},
    Pattern{"Connection closed by ", "", "", closed, consequence},
    Pattern{"Connection reset by ", "", "", closed, consequence},
    Pattern{"Connection to ", "", " closed.", closed, remark},
    Pattern{"Received disconnect from ", "", "", closed, consequence},
    Pattern{"Disconnected from ", "", "", closed, consequence},
    // Configuration
    Pattern{"Bad owner or permissions on ", "", "", config, decisive},
    Pattern{"Can't open user config file ", "", "", config, decisive},
    Pattern{"Couldn't open logfile ", "", "", config, decisive},
    Pattern{"No user exists for uid ", "", "", config, decisive},
    Pattern{"ControlPath too long", "", "", config, decisive},
    Pattern{"ControlPath \"", "\" too long for Unix domain socket", "", config, decisive},
    Pattern{"unix_listener: path \"", "\" too long for Unix domain socket", "", config, decisive},
    Pattern{"hostname contains invalid characters", "", "", config, decisive},
    Pattern{"remote username contains invalid characters", "", "", config, decisive},
    // Warnings: ssh continues
    Pattern{"Warning: ", "", "", unknown, remark},
    Pattern{"** ", "", "", unknown, remark},  // 10.1: "** WARNING: connection is not using a post-quantum …"
    Pattern{"X11 forwarding request failed", "", "", unknown, remark},
    Pattern{"DISPLAY \"", "\" invalid; disabling X11 forwarding", "", unknown, remark},
    Pattern{"Failed to add the ", "host", "", unknown, remark},
    Pattern{"load_hostkeys: ", "", "", unknown, remark},
    Pattern{"client_input_hostkeys: ", "", "", unknown, remark},
    Pattern{"hostfile_replace_entries: ", "", "", unknown, remark},
    Pattern{"update_known_hosts: ", "", "", unknown, remark},
    Pattern{"client_global_hostkeys_", "", "", unknown, remark},
    Pattern{"Learned new hostkey: ", "", "", unknown, remark},
    Pattern{"Deprecating obsolete hostkey: ", "", "", unknown, remark},
    Pattern{"channel ", ": open failed: ", "", unknown, remark},
};

// These lines begin with a file name, so the rest of the line identifies them.

// "FILE: terminating, 1 bad configuration options"
bool is_config_error(std::string_view line) noexcept {
  return line.find(": terminating, ") != std::string_view::npos &&
         line.find(" bad configuration options") != std::string_view::npos;
}

// The text after "FILE line 3: ". Shells also print "FILE: line 3: …", with a colon after FILE. ssh prints that form
// only for a bad option.
std::string_view config_complaint(std::string_view line) noexcept {
  constexpr std::string_view k_line = " line ";
  for (auto at = line.find(k_line); at != std::string_view::npos; at = line.find(k_line, at + 1)) {
    const auto digits = at + k_line.size();
    const auto end = line.find_first_not_of("0123456789", digits);
    if (at == 0 || end == std::string_view::npos || end == digits || line.substr(end, 2) != ": ") continue;
    const std::string_view rest = line.substr(end + 2);
    if (line[at - 1] != ':' || rest.starts_with("Bad configuration option: ")) return rest;
  }
  return {};
}

// Case matters. `Unsupported option "x"` is a warning, and ssh continues. `unsupported option "x"` means a bad value,
// and ssh ends.
std::optional<Message> recognise_config(std::string_view line) noexcept {
  if (is_config_error(line)) return Message{config, decisive, line};
  const auto complaint = config_complaint(line);
  if (complaint.empty()) return std::nullopt;
  const bool continues = complaint.starts_with("Unsupported option \"") || complaint.starts_with("Deprecated ");
  return Message{config, continues ? remark : circumstance, line};
}

// "gate@bastion: Permission denied (publickey,password)."
bool is_login_refused(std::string_view line) noexcept {
  const auto colon = line.find(": ");
  return colon != std::string_view::npos && line.substr(0, colon).find(' ') == std::string_view::npos &&
         line.substr(colon + 2, 19) == "Permission denied (" && line.substr(line.size() - 2) == ").";
}

bool matches(const Pattern& pattern, std::string_view line) noexcept {
  if (line.substr(0, pattern.begins.size()) != pattern.begins) return false;
  std::string_view rest = line.substr(pattern.begins.size());
  const auto at = rest.find(pattern.holds);
  if (at == std::string_view::npos) return false;
  rest = rest.substr(at + pattern.holds.size());
  return rest.size() >= pattern.ends.size() && rest.substr(rest.size() - pattern.ends.size()) == pattern.ends;
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::optional<Message> recognise(std::string_view line) noexcept {
  for (const Pattern& pattern : k_patterns)
    if (matches(pattern, line)) return Message{pattern.failure, pattern.weight, line};
  if (is_login_refused(line)) return Message{auth, decisive, line};
  return recognise_config(line);
}

std::string_view between(std::string_view line, std::string_view before, std::string_view after) noexcept {
  const auto at = line.find(before);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + before.size());
  if (after.empty()) return line;
  const auto end = line.find(after);
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end);
}

}  // namespace holdfast::ssh
