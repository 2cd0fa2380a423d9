#include "ssh/diagnosis/login_text.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::ssh {
namespace {

using enum FailureClass;

constexpr const char* k_new_key = "ssh-keygen -t ed25519 -N '' -f ~/.ssh/id_ed25519";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string_view methods_of(const Evidence& evidence) { return between(evidence.line, "Permission denied (", ")"); }

std::string clock_text(std::optional<WallTime> now) {
  return now ? fmt::format("; this machine's clock is at {}", to_rfc3339(*now)) : std::string();
}

/// The whole text of the server on one line, without its end if it is long.
std::string quote(std::string_view text) {
  constexpr std::size_t k_longest = 300;
  std::string joined;
  for (const auto line : lines_of(text)) {
    const auto part = trim(line);
    if (!part.empty()) joined += (joined.empty() ? "" : " / ") + std::string(part);
  }
  // PAM speaks after the banner.
  if (joined.size() > k_longest) joined.erase(0, joined.size() - k_longest);
  return printable(joined);
}

}  // namespace

FailureClass refine_auth(const Evidence& evidence, const Tunnel& tunnel) {
  if (evidence.offers_no_key && !chooses_methods(tunnel)) return config;
  if (evidence.has_no_key) return key_missing;
  const auto methods = methods_of(evidence);
  // After an accepted key the server lists only the methods that are still missing. A server without
  // PubkeyAuthentication looks the same, except in a verbose log.
  const bool one_other = !methods.empty() && !contains(methods, "publickey") && !contains(methods, ",");
  return one_other && !evidence.log_is_verbose ? second_factor : auth;
}

bool chooses_methods(const Tunnel& tunnel) {
  return std::ranges::any_of(tunnel->ssh_options, [](const SshOption& option) {
    return equals_ignoring_case(option.key, "PreferredAuthentications");
  });
}

Diagnosis auth_text(const EvidenceText& text) {
  const auto methods = methods_of(text.evidence());
  if (!methods.empty() && !contains(methods, "publickey"))
    return {auth, fmt::format("{} accepts no keys, only: {}", text.bastion(), printable(methods)),
            "ask its owner for PubkeyAuthentication yes in its sshd_config"};
  if (!text.tunnel()->identity)
    return {
        auth, text.bastion() + " refused every key that ssh offered",
        fmt::format("add the public key to ~/.ssh/authorized_keys of {}: ssh-copy-id {}; or give a key with -s FILE",
                    text.account(), text.destination())};
  return {auth, fmt::format("{} refused the key {}", text.bastion(), text.identity()),
          fmt::format("add {}.pub to ~/.ssh/authorized_keys of {}: ssh-copy-id -i {}.pub {}", text.identity(),
                      text.account(), shell_quote(text.tunnel()->identity->native()), text.destination())};
}

Diagnosis no_key_text(const EvidenceText& text) {
  return {key_missing, fmt::format("ssh has no key to offer to {}", text.bastion()),
          fmt::format("create one and copy it: {} && ssh-copy-id {}", k_new_key, text.destination())};
}

Diagnosis no_key_tried_text(const EvidenceText& text) {
  return {config, fmt::format("ssh tries no key at {}: its configuration has PubkeyAuthentication no", text.bastion()),
          "remove PubkeyAuthentication no for this host from ssh_config, or add --ssh-option PubkeyAuthentication=yes"};
}

Diagnosis second_factor_text(const EvidenceText& text) {
  const auto& evidence = text.evidence();
  const auto wanted = printable(methods_of(evidence));
  const std::string hint = fmt::format(
      "ask its owner to accept the key alone: AuthenticationMethods publickey in a Match block for {} in its "
      "sshd_config",
      text.account());
  if (!evidence.circumstance.empty())
    return {second_factor, fmt::format("{} accepted the key and wants a second factor: {}", text.bastion(), wanted),
            hint};
  return {second_factor,
          wanted.empty() ? fmt::format("{} wants a second factor after the key", text.bastion())
                         : fmt::format("{} wants {}: a second factor after the key, or it accepts no keys at all",
                                       text.bastion(), wanted),
          hint};
}

Diagnosis certificate_text(const EvidenceText& text) {
  const auto& evidence = text.evidence();
  const auto why = between(evidence.circumstance, "Certificate invalid: ", "");
  if (why.empty())
    return {certificate, fmt::format("the certificate for {} is not valid", text.bastion()),
            "see its dates: ssh-keygen -L -f CERTIFICATE"};
  const auto details = evidence.certificate.empty() ? "" : " (" + printable(evidence.certificate.substr(0, 300)) + ")";
  const auto message = fmt::format("the host certificate of {} is invalid: {}{}{}", text.bastion(), printable(why),
                                   details, clock_text(evidence.now));
  if (contains(why, "principal"))
    return {certificate, message, "give the bastion by a name that its certificate lists: -b HOST"};
  return {
      certificate, message,
      contains(why, "not yet")
          ? "check this machine's clock: timedatectl; if it is right, ask the bastion's owner for a valid certificate"
          : "ask the bastion's owner to renew the host certificate; check this machine's clock: timedatectl"};
}

Diagnosis agent_text(const EvidenceText& text) {
  return {agent, fmt::format("the ssh agent for {} does not answer", text.bastion()),
          "give a key with -s FILE, or set IdentityAgent none for this host in ~/.ssh/config"};
}

Diagnosis account_text(const EvidenceText& text) {
  const auto said = quote(text.evidence().said);
  return {account,
          said.empty() ? fmt::format("{} refuses this account", text.bastion())
                       : fmt::format("{} closed the connection during the login and said: {}", text.bastion(), said),
          fmt::format("ask its administrator about the account {}; holdfast keeps trying", text.account())};
}

std::optional<Diagnosis> explain_user_certificate(const std::string& file, WallTime begins,
                                                  std::optional<WallTime> expires, WallTime now) {
  const bool expired = expires && now >= *expires;
  if (!expired && now >= begins) return std::nullopt;
  return Diagnosis{
      certificate,
      fmt::format("the certificate {} {}: it is valid from {} to {}{}", printable(file),
                  expired ? "has expired" : "is not valid yet", to_rfc3339(begins),
                  expires ? to_rfc3339(*expires) : "forever", clock_text(now)),
      expired ? "renew it with the tool or the authority that issued it; holdfast logs in as soon as the file changes"
              : "check this machine's clock: timedatectl"};
}

Diagnosis explain_silent_agent(const Tunnel& tunnel, std::string_view socket) {
  Diagnosis diagnosis = agent_text(EvidenceText(tunnel, {}));
  diagnosis.message = fmt::format("the ssh agent at {} accepts connections and does not answer", printable(socket));
  return diagnosis;
}

Diagnosis explain_agent_only(const Tunnel& tunnel) {
  return {agent, "the keys are only in the ssh agent of this session, which the tunnel will not have",
          fmt::format("create a key for the tunnel, copy it, and give it with -s: ssh-keygen -t ed25519 -N '' -f "
                      "~/.ssh/holdfast && ssh-copy-id -i ~/.ssh/holdfast.pub {}",
                      EvidenceText(tunnel, {}).destination())};
}

Diagnosis explain_silent_address(const Tunnel& tunnel, std::string_view address) {
  const bool is_ipv6 = address.find(':') != std::string_view::npos;
  return {timeout,
          fmt::format("the address {} of {} does not answer: each login takes 10 s longer", printable(address),
                      tunnel->bastion.text()),
          fmt::format("skip it with --ssh-option AddressFamily={}", is_ipv6 ? "inet" : "inet6")};
}

}  // namespace holdfast::ssh
