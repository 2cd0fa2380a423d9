#include "ssh/diagnosis/diagnosis_text.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/jump_host.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::ssh {
namespace {

using enum FailureClass;

constexpr const char* k_check_port = "check the port: -b HOST:PORT";
constexpr const char* k_give_private_key = "give the private key (the file without .pub) with -s FILE";
constexpr std::size_t k_longest_quote = 300;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// One function for each class, so that message and hint stand together.

Diagnosis dns_text(const EvidenceText& text) {
  const std::string_view line = text.evidence().line;
  const auto named = between(line, "hostname ", ": ");
  const std::string name = named.empty() ? text.tunnel()->bastion.host() : printable(named);
  if (contains(line, "Temporary failure"))
    return {dns, fmt::format("no name server answered for \"{}\"", name),
            "check this machine's network connection and /etc/resolv.conf"};
  return {dns, fmt::format("cannot resolve \"{}\"", name), "check the spelling: getent hosts " + shell_quote(name)};
}

Diagnosis refused_text(const EvidenceText& text) {
  return {refused, text.address() + " refused the connection: no ssh server listens there",
          "start sshd there, or give its port: -b HOST:PORT"};
}

Diagnosis timeout_text(const EvidenceText& text) {
  if (contains(text.evidence().line, "banner exchange"))
    return {timeout, text.bastion() + " accepted the connection but sent no ssh banner",
            "check that an ssh server listens on that port, and that it is not overloaded"};
  if (!text.evidence().circumstance.empty())
    return {timeout, fmt::format("{} answered, then stalled {}", text.bastion(), text.evidence().circumstance),
            "see where it stalls: ssh -v " + text.destination()};
  return {timeout, text.bastion() + " did not answer in time",
          "check that it is running and that no firewall drops the packets: ssh -v " + text.destination()};
}

Diagnosis unreachable_text(const EvidenceText& text) {
  const std::string_view circumstance = text.evidence().circumstance;
  if (const auto address = between(circumstance, "bind ", ": "); !address.empty())
    return {unreachable, fmt::format("this machine does not have the address {} of BindAddress", printable(address)),
            "correct BindAddress in ssh_config or in --ssh-option"};
  if (const auto interface = between(circumstance, "getifaddrs: ", ": "); !interface.empty())
    return {unreachable, fmt::format("the interface {} of BindInterface has no usable address", printable(interface)),
            "correct BindInterface in ssh_config or in --ssh-option, or bring the interface up"};
  const std::string_view line = text.evidence().line;
  const auto colon = line.rfind(": ");
  const std::string why = colon == std::string_view::npos ? "" : ": " + printable(lower_first(line.substr(colon + 2)));
  return {unreachable, fmt::format("cannot reach {} from here{}", text.bastion(), why),
          "check this machine's network connection and VPN; for each address of the bastion: holdfast doctor -b " +
              shell_quote(text.bastion())};
}

Diagnosis key_missing_text(const EvidenceText& text) {
  const std::string_view why = text.evidence().circumstance;
  if (text.evidence().has_no_key && why.empty()) return no_key_text(text);
  if (!why.starts_with("Load key \"") || contains(why, "No such file"))
    return {
        key_missing, fmt::format("the private key {} does not exist", text.key()),
        "give an existing key with -s FILE, or create one: ssh-keygen -t ed25519 -N '' -f " + shell_quote(text.key())};
  if (contains(why, "it is a public key"))
    return {key_missing, text.key() + " is a public key; ssh needs the private key", k_give_private_key};
  if (contains(why, "Is a directory"))
    return {key_missing, text.key() + " is a directory, not a private key", "give the file of the key with -s FILE"};
  return {key_missing, fmt::format("the file {} contains no private key that ssh can read", text.key()),
          k_give_private_key};
}

Diagnosis key_permissions_text(const EvidenceText& text) {
  if (contains(text.evidence().circumstance, "ermission denied"))
    return {key_permissions, "the user of this tunnel cannot read the private key " + text.key(),
            "check its owner and mode: ls -l " + shell_quote(text.key())};
  return {key_permissions, fmt::format("other users can read the private key {}, so ssh ignores it", text.key()),
          "chmod 600 " + shell_quote(text.key())};
}

Diagnosis key_passphrase_text(const EvidenceText& text) {
  return {key_passphrase,
          fmt::format("the private key {} has a passphrase, which nobody can type at run time", text.key()),
          "create a key for this tunnel: ssh-keygen -t ed25519 -N '' -f ~/.ssh/holdfast"};
}

/// Another machine may have the bastion's former address, so no hint tells how to trust its key.
std::string moved_hint(const EvidenceText& text) {
  return fmt::format(
      "compare the address and the fingerprint with its owner: getent hosts {}; holdfast logs in again as soon as the "
      "name or known_hosts changes",
      shell_quote(text.looked_up_name()));
}

/// The name led to another address while the tunnel was up.
std::string previous_address(const EvidenceText& text) {
  const auto& evidence = text.evidence();
  if (evidence.address.empty() || evidence.address == evidence.last_address) return {};
  return fmt::format("; the name led to {} before", printable(evidence.last_address));
}

Diagnosis host_key_unknown_text(const EvidenceText& text) {
  const std::string_view offered = text.evidence().offered;
  if (!text.evidence().certificate.empty())
    return {host_key_unknown,
            fmt::format("the host certificate of {} is from an unknown authority: {}", text.bastion(),
                        printable(text.evidence().certificate.substr(0, k_longest_quote))),
            "check the authority's fingerprint with its owner; then add it to ~/.ssh/known_hosts: @cert-authority " +
                shell_quote(text.known_hosts_name()) + " KEY"};
  const auto message = fmt::format("the host key of {}{} is unknown{}", text.bastion(), text.at_address(),
                                   offered.empty() ? "" : "; the server offers " + printable(offered));
  if (text.may_have_moved()) return {host_key_unknown, message + previous_address(text), moved_hint(text)};
  return {host_key_unknown, message,
          fmt::format("check the fingerprint with its owner; then run ssh {} once, or add "
                      "--accept-new-host-key",
                      text.destination())};
}

Diagnosis host_key_changed_text(const EvidenceText& text) {
  if (contains(text.evidence().circumstance, "REVOKED"))
    return {host_key_changed, fmt::format("the host key of {} is revoked", text.bastion()),
            "ask its owner; do not connect until the key is replaced"};
  if (text.may_have_moved())
    return {host_key_changed,
            fmt::format("the host key of {}{} has changed: its name leads to another machine, the server was "
                        "reinstalled, or someone intercepts the connection{}",
                        text.bastion(), text.at_address(), previous_address(text)),
            moved_hint(text)};
  std::string command = "ssh-keygen";
  if (const auto file = text.known_hosts_file(); !file.empty()) command += " -f " + shell_quote(file);
  command += " -R " + shell_quote(text.known_hosts_name());
  return {
      host_key_changed,
      fmt::format("the host key of {}{} has changed: the server was reinstalled, or someone intercepts the connection",
                  text.bastion(), text.at_address()),
      "ask its owner for the new fingerprint; only if it is confirmed: " + command};
}

Diagnosis forward_busy_text(const EvidenceText& text) {
  if (text.is_privileged_port())
    return {forward_busy,
            fmt::format("{} on {} is in use, or only root may listen there: it is below 1024", text.listen_ends(),
                        text.bastion()),
            "choose a port from 1024 up, or log in as root there"};
  if (text.listens_on_socket())
    return {forward_busy, fmt::format("{} on {} already exists", text.listen_ends(), text.bastion()),
            "remove the file there, or set StreamLocalBindUnlink yes in the bastion's sshd_config"};
  if (text.tunnel()->host == k_any_host)
    return {forward_busy, fmt::format("another host holds {} on {}", text.listen_ends(), text.bastion()),
            "set ClientAliveInterval 15 in the bastion's sshd_config, so that a dead session ends sooner"};
  return {forward_busy,
          fmt::format("{} on {} is already in use, by another process or by an old session of this tunnel",
                      text.listen_ends(), text.bastion()),
          "choose another port, or set ClientAliveInterval 30 in the bastion's sshd_config to end old sessions sooner"};
}

Diagnosis forward_denied_text(const EvidenceText& text) {
  if (text.is_privileged_port())
    return {forward_denied,
            fmt::format("{} does not allow this account to listen on {}: only root may use ports below 1024",
                        text.bastion(), text.listen_ends()),
            "choose a port from 1024 up, or log in as root there"};
  return {forward_denied, fmt::format("{} does not allow this key to listen on {}", text.bastion(), text.listen_ends()),
          fmt::format("set AllowTcpForwarding yes in its sshd_config, and these options in the key's line of "
                      "authorized_keys: {}",
                      text.permits())};
}

Diagnosis target_down_text(const EvidenceText& text) {
  return {target_down, fmt::format("the target {} is not accepting connections", text.target()),
          text.is_ssh_target() ? "start sshd there: systemctl start ssh" : "start the service there"};
}

Diagnosis dead_peer_text(const EvidenceText& text) {
  return {dead_peer, text.bastion() + " stopped answering",
          "check the network and the bastion; holdfast reconnects as soon as it answers"};
}

Diagnosis closed_text(const EvidenceText& text) {
  constexpr std::size_t k_longest_foreign = 120;
  const std::string_view line = text.evidence().line;
  if (const auto foreign = text.evidence().foreign; !foreign.empty())
    return {
        closed,
        fmt::format("{} sent no ssh banner, but: {}", text.bastion(), printable(foreign.substr(0, k_longest_foreign))),
        "check the port: -b HOST:PORT; an sshd sends such a text when it has too many logins or bans this address"};
  const bool in_banner = contains(line, "exchange_identification: ");
  if (line.starts_with("banner exchange") ||
      (in_banner && (contains(line, "banner line") || contains(line, "No SSH version"))))
    return {closed, text.address() + " is not an ssh server", k_check_port};
  if (in_banner)
    return {closed, text.address() + " closed the connection before the ssh handshake",
            "check the port (-b HOST:PORT), MaxStartups in its sshd_config, and whether it bans this address"};
  return {
      closed, text.bastion() + " closed the connection",
      "check whether it restarted, ends idle connections (UnusedConnectionTimeout in its sshd_config), or cannot open "
      "the session (ChrootDirectory)"};
}

std::string_view algorithms_option(std::string_view kind) {
  if (kind == "cipher") return "Ciphers";
  if (kind == "MAC") return "MACs";
  if (kind == "host key type") return "HostKeyAlgorithms";
  return "KexAlgorithms";
}

Diagnosis crypto_text(const EvidenceText& text) {
  constexpr std::size_t k_longest_offer = 200;
  const auto kind = between(text.evidence().line, "no matching ", " found");
  const auto offer = between(text.evidence().line, "Their offer: ", "");
  if (kind.empty())
    return {crypto, fmt::format("this ssh and {} have no common algorithms", text.bastion()),
            "upgrade the older of the two"};
  return {crypto,
          fmt::format("this ssh and {} have no common {}; the server offers {}", text.bastion(), printable(kind),
                      printable(offer.substr(0, k_longest_offer))),
          fmt::format("upgrade the older of the two, or allow an algorithm: --ssh-option {}=+NAME",
                      algorithms_option(kind))};
}

Diagnosis config_text(const EvidenceText& text) {
  // "terminating, 1 bad configuration options" names only the file; the line before it also names the option.
  const auto& evidence = text.evidence();
  const auto line = evidence.circumstance.empty() ? evidence.line : evidence.circumstance;
  if (evidence.offers_no_key) return no_key_tried_text(text);
  if (line.starts_with("No user exists for uid "))
    return {config, fmt::format("ssh does not run: {}", printable(lower_first(line))),
            "give this uid a name in /etc/passwd or in the name service: ssh needs one"};
  if (line.empty()) return {config, "ssh rejects its configuration", "check it: ssh -G " + text.destination()};
  const bool on_command_line = line.starts_with("command-line") || line.starts_with("command line");
  return {config, "ssh rejects its configuration: " + printable(lower_first(line.substr(0, k_longest_quote))),
          on_command_line ? "correct or remove that --ssh-option"
                          : "correct that file and check it: ssh -G " + text.destination()};
}

Diagnosis jump_host_text(const EvidenceText& text) {
  const auto loop = between(text.evidence().line, "jumphost loop via ", "");
  if (!loop.empty()) return jump_host_loop(text.tunnel()->bastion);
  return {jump_host, fmt::format("the jump host to {} fails", text.bastion()), "see why: ssh -v " + text.destination()};
}

Diagnosis ssh_missing_text(const EvidenceText&) {
  return {ssh_missing, "the ssh program is not installed, or not in PATH", k_install_ssh};
}

Diagnosis unknown_text(const EvidenceText& text) {
  const std::string_view line = text.evidence().line;
  return {unknown,
          line.empty() ? "ssh ended without a message"
                       : "ssh ended; its last message: " + printable(line.substr(0, k_longest_quote)),
          "holdfast logs " + text.tunnel()->name.text()};
}

struct ClassText {
  FailureClass failure;
  Diagnosis (*make)(const EvidenceText&);
};

constexpr std::array k_texts{
    ClassText{dns, &dns_text},
    ClassText{refused, &refused_text},
    ClassText{timeout, &timeout_text},
    ClassText{unreachable, &unreachable_text},
    ClassText{auth, &auth_text},
    ClassText{key_missing, &key_missing_text},
    ClassText{key_permissions, &key_permissions_text},
    ClassText{key_passphrase, &key_passphrase_text},
    ClassText{host_key_unknown, &host_key_unknown_text},
    ClassText{host_key_changed, &host_key_changed_text},
    ClassText{forward_busy, &forward_busy_text},
    ClassText{forward_denied, &forward_denied_text},
    ClassText{second_factor, &second_factor_text},
    ClassText{certificate, &certificate_text},
    ClassText{agent, &agent_text},
    ClassText{jump_host, &jump_host_text},
    ClassText{account, &account_text},
    ClassText{target_down, &target_down_text},
    ClassText{dead_peer, &dead_peer_text},
    ClassText{closed, &closed_text},
    ClassText{crypto, &crypto_text},
    ClassText{config, &config_text},
    ClassText{ssh_missing, &ssh_missing_text},
    ClassText{unknown, &unknown_text},
};

}  // namespace

Diagnosis make_diagnosis(FailureClass failure, const Tunnel& tunnel, const Evidence& evidence) {
  const EvidenceText text(tunnel, evidence);
  const auto* const found = std::ranges::find(k_texts, failure, &ClassText::failure);
  return found == k_texts.end() ? unknown_text(text) : found->make(text);
}

}  // namespace holdfast::ssh
