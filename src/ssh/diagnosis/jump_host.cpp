#include "ssh/diagnosis/jump_host.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/evidence.hpp"
#include "ssh/diagnosis/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace holdfast::ssh {
namespace {

constexpr const char* k_config = "its Host block in ~/.ssh/config";

/// The jump host that failed, as text for messages and for commands. Both escaped; empty when it is not known.
struct JumpHost {
  std::string name;
  std::string arguments;
};

// "[127.0.0.1]:2300" or "host" → host and port
std::pair<std::string_view, std::string_view> split_known_hosts_name(std::string_view name) {
  const auto host = between(name, "[", "]:");
  return host.empty() ? std::pair{name, std::string_view()} : std::pair{host, between(name, "]:", "")};
}

JumpHost of_destination(const Destination& jump) {
  const auto port = jump.port() ? fmt::format("-p {} ", *jump.port()) : std::string();
  return {jump.text(), port + jump.ssh_argument()};
}

JumpHost of_message(std::string_view line) {
  std::string_view host;
  std::string_view port;
  std::string_view user;
  if (const auto login = line.substr(0, line.find(": Permission denied (")); login.size() != line.size()) {
    const auto at = login.rfind('@');
    user = at == std::string_view::npos ? std::string_view() : login.substr(0, at);
    host = at == std::string_view::npos ? login : login.substr(at + 1);
  } else if (const auto unknown = between(line, " host key is known for ", " and you have"); !unknown.empty()) {
    std::tie(host, port) = split_known_hosts_name(unknown);
  } else if (const auto changed = between(line, "Host key for ", " has changed"); !changed.empty()) {
    std::tie(host, port) = split_known_hosts_name(changed);
  } else if (const auto connecting = between(line, "connect to host ", ""); !connecting.empty()) {
    host = connecting.substr(0, connecting.find(" port "));
    port = between(connecting, " port ", ": ");
  } else {
    host = between(line, "hostname ", ": ");
  }
  if (host.empty()) return {};
  const std::string account = user.empty() ? std::string(host) : fmt::format("{}@{}", user, host);
  return {
      printable(port.empty() ? account : fmt::format("{} port {}", account, port)),
      (port.empty() ? std::string() : "-p " + shell_quote(printable(port)) + " ") + shell_quote(printable(account))};
}

/// The resolved jump host that the message is about, with its user and port; else what the message says.
JumpHost find_jump_host(std::string_view line, const std::vector<Destination>& known) {
  for (const Destination& jump : known)
    if (line.find(jump.host()) != std::string_view::npos) return of_destination(jump);
  JumpHost named = of_message(line);
  if (named.name.empty() && known.size() == 1) return of_destination(known.front());
  return named;
}

struct Text {
  std::string message;
  std::string hint;
};

Text host_key_text(const JumpHost& jump, const std::string& who, FailureClass failure, const EvidenceText& evidence) {
  const auto command = jump.arguments.empty() ? "ssh to it" : "ssh " + jump.arguments;
  if (failure == FailureClass::host_key_unknown)
    return {fmt::format("the host key of {} is unknown", who),
            fmt::format("check the fingerprint with its owner, then run once: {}", command)};
  std::string remove = "ssh-keygen";
  if (const auto file = evidence.known_hosts_file(); !file.empty()) remove += " -f " + shell_quote(file);
  return {fmt::format("the host key of {} has changed: it was reinstalled, or someone intercepts the connection", who),
          fmt::format("ask its owner for the new fingerprint; only if it is confirmed: {} -R {}", remove,
                      shell_quote(evidence.known_hosts_name()))};
}

Text text_of(const JumpHost& jump, FailureClass failure, const EvidenceText& evidence) {
  const std::string who = jump.name.empty() ? "the jump host" : "the jump host " + jump.name;
  const std::string_view line = evidence.evidence().line;
  const auto colon = line.rfind(": ");
  const auto why = printable(lower_first(colon == std::string_view::npos ? line : line.substr(colon + 2)));
  switch (failure) {
    case FailureClass::auth:
      return {fmt::format("{} refused the key of this machine", who),
              fmt::format("ssh-copy-id {}; -s is only for the bastion: ssh takes the jump host's user and key from {}",
                          jump.arguments.empty() ? "to it" : jump.arguments, k_config)};
    case FailureClass::host_key_unknown:
    case FailureClass::host_key_changed:
      return host_key_text(jump, who, failure, evidence);
    case FailureClass::refused:
      return {fmt::format("{} refused the connection: no ssh server listens there", who),
              fmt::format("start sshd there, or correct ProxyJump and {}", k_config)};
    case FailureClass::dns:
      return {fmt::format("cannot resolve {}", who), "correct ProxyJump in ~/.ssh/config, or check /etc/resolv.conf"};
    default:
      return {fmt::format("cannot log in to {}: {}", who, why), jump.arguments.empty()
                                                                    ? "see why: ssh -v " + evidence.destination()
                                                                    : "see why: ssh -v " + jump.arguments};
  }
}

/// The jump host works, but cannot or may not connect to the next host.
std::optional<Diagnosis> diagnose_next_hop(const SshOutput& output, const Tunnel& tunnel) {
  for (const auto line : lines_of(output.err)) {
    const auto reason = between(line, ": open failed: ", "");
    if (!line.starts_with("channel ") || reason.empty()) continue;
    const auto who =
        output.jump_hosts.empty() ? std::string("the jump host") : "the jump host " + output.jump_hosts.back().text();
    if (reason.starts_with("administratively prohibited"))
      return Diagnosis{
          FailureClass::jump_host, fmt::format("{} does not allow a connection to {}", who, tunnel->bastion.text()),
          "set AllowTcpForwarding yes and PermitOpen any in the jump host's sshd_config, and permitopen in "
          "the key's line there",
          FailureClass::forward_denied};
    const bool refused = reason.find("Connection refused") != std::string_view::npos;
    return Diagnosis{FailureClass::jump_host,
                     fmt::format("{} cannot connect to {}: {}", who, tunnel->bastion.text(),
                                 printable(lower_first(reason.substr(reason.rfind(": ") + 2)))),
                     "check that the bastion is running, and its name and port as the jump host sees them",
                     refused ? FailureClass::refused : FailureClass::unreachable};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Diagnosis> diagnose_jump_host(const SshOutput& output, const Tunnel& tunnel) {
  const Reading reading = read_messages(output.err, Decisive::first);
  const bool is_host_key = reading.verdict && reading.verdict->line == "Host key verification failed.";
  if (!reading.verdict || (reading.verdict->weight != Weight::decisive && !is_host_key))
    return diagnose_next_hop(output, tunnel);
  const Evidence evidence{.line = reading.verdict->line, .offending = reading.offending};
  const Message* const reason = find_reason(reading, reading.verdict->failure);
  const FailureClass failure = reason != nullptr ? reason->failure : reading.verdict->failure;
  const JumpHost jump = find_jump_host(evidence.line, output.jump_hosts);
  Text text = text_of(jump, failure, EvidenceText(tunnel, evidence));
  return Diagnosis{FailureClass::jump_host, std::move(text.message), std::move(text.hint), failure};
}

Diagnosis jump_host_loop(const Destination& bastion) {
  return {FailureClass::jump_host, fmt::format("the jump hosts to {} lead back to each other", bastion.text()),
          "correct ProxyJump in ~/.ssh/config: ssh -G " + bastion.ssh_argument(), FailureClass::config};
}

}  // namespace holdfast::ssh
