#include "ssh/diagnosis/evidence.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

namespace holdfast::ssh {
namespace {

std::string listen_name(const Forward& forward) {
  return (std::holds_alternative<TcpEnd>(forward.listen()) ? "port " : "socket ") + forward.short_text();
}

}  // namespace

std::string EvidenceText::address() const {
  const auto port = between(evidence_.line, " port ", "");
  for (const std::string_view before : {"connect to host ", "Connection to ", "Connection from "}) {
    const auto host = between(evidence_.line, before, " port ");
    if (host.empty() || host.find(' ') != std::string_view::npos) continue;
    const auto number = port.substr(0, port.find_first_not_of("0123456789"));
    return fmt::format("{} port {}", printable(host), number);
  }
  return bastion();
}

std::string EvidenceText::account() const {
  const auto& user = tunnel_->bastion.user();
  return user ? fmt::format("{} on {}", *user, tunnel_->bastion.host()) : "your user on " + tunnel_->bastion.host();
}

std::string EvidenceText::destination() const {
  const auto port = tunnel_->bastion.port();
  return (port ? fmt::format("-p {} ", *port) : std::string()) + tunnel_->bastion.ssh_argument();
}

std::string EvidenceText::at_address() const {
  const bool is_known = !evidence_.address.empty() && evidence_.address != tunnel_->bastion.host();
  return is_known ? " at " + printable(evidence_.address) : std::string();
}

std::string EvidenceText::looked_up_name() const {
  auto named = between(evidence_.line, "Host key for ", " has changed");
  if (named.empty()) named = between(evidence_.line, " host key is known for ", " and you have");
  if (const auto bracketed = between(named, "[", "]:"); !bracketed.empty()) named = bracketed;
  return named.empty() ? tunnel_->bastion.host() : printable(named);
}

bool EvidenceText::may_have_moved() const {
  const std::string name = looked_up_name();
  return !evidence_.last_address.empty() && name != evidence_.last_address && name != evidence_.address;
}

std::string EvidenceText::known_hosts_name() const {
  constexpr std::uint16_t k_ssh_port = 22;
  const auto named = between(evidence_.line, "Host key for ", " has changed");
  if (!named.empty()) return printable(named);
  const auto port = tunnel_->bastion.port().value_or(k_ssh_port);
  return port == k_ssh_port ? tunnel_->bastion.host() : fmt::format("[{}]:{}", tunnel_->bastion.host(), port);
}

std::string EvidenceText::known_hosts_file() const {
  const auto file = between(evidence_.offending, " in ", "");
  return printable(file.substr(0, file.rfind(':')));
}

std::string EvidenceText::identity() const { return printable(tunnel_->identity->native()); }

std::string EvidenceText::key() const {
  const auto& text = evidence_.circumstance;
  auto named = between(text, "Load key \"", "\": ");
  if (named.empty()) named = between(text, "no such identity: ", ": ");
  if (named.empty()) named = between(text, "Identity file ", " not accessible");
  if (!named.empty()) return printable(named);
  return tunnel_->identity ? identity() : "that ssh would use";
}

/// The forward in the evidence, else the one that ssh's message names, else the only one.
std::optional<Forward> EvidenceText::forward() const {
  if (evidence_.forward) return evidence_.forward;
  for (const Forward& forward : tunnel_->forwards) {
    const std::string name = forward.short_text();
    if (between(evidence_.line, " for listen port ", "") == name ||
        between(evidence_.line, " for listen path ", "") == name)
      return forward;
  }
  if (tunnel_->forwards.size() == 1) return tunnel_->forwards.front();
  return std::nullopt;
}

std::string EvidenceText::listen_ends() const {
  if (const auto only = forward()) return listen_name(*only);
  std::string list;
  for (const Forward& forward : tunnel_->forwards) list += (list.empty() ? "" : ", ") + listen_name(forward);
  return list;
}

std::string EvidenceText::target() const {
  const auto only = forward();
  return only ? end_text(only->target()) : "of the tunnel";
}

bool EvidenceText::is_ssh_target() const {
  constexpr std::uint16_t k_ssh_port = 22;
  const auto only = forward();
  const auto* tcp = only ? std::get_if<TcpEnd>(&only->target()) : nullptr;
  return tcp != nullptr && tcp->port == k_ssh_port;
}

bool EvidenceText::listens_on_socket() const {
  const auto only = forward();
  return only && std::holds_alternative<SocketEnd>(only->listen());
}

bool EvidenceText::is_privileged_port() const {
  constexpr std::uint16_t k_first_unprivileged = 1024;
  const auto only = forward();
  const auto* const tcp = only ? std::get_if<TcpEnd>(&only->listen()) : nullptr;
  return tcp != nullptr && tcp->port < k_first_unprivileged && tunnel_->bastion.user() != "root";
}

std::string EvidenceText::permits() const {
  std::string options = "port-forwarding";
  bool has_socket = false;
  for (const Forward& forward : tunnel_->forwards) {
    if (evidence_.forward && !(forward == *evidence_.forward)) continue;
    if (std::holds_alternative<TcpEnd>(forward.listen()))
      options += fmt::format(",permitlisten=\"{}\"", end_text(forward.listen()));
    else
      has_socket = true;
  }
  // permitlisten does not apply to sockets, sshd(8).
  return has_socket ? options + "; for the socket, AllowStreamLocalForwarding yes in its sshd_config" : options;
}

std::string lower_first(std::string_view text) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string out(text);
  if (out.size() > 1 && is_upper(out[0]) && !is_upper(out[1])) out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out;
}

}  // namespace holdfast::ssh
