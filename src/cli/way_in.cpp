#include "cli/way_in.hpp"

#include "ssh/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

constexpr std::uint16_t k_ssh_port = 22;

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

bool leads_to_ssh(const Forward& forward) {
  const auto* target = std::get_if<TcpEnd>(&forward.target());
  return target != nullptr && target->port == k_ssh_port && std::holds_alternative<TcpEnd>(forward.listen());
}

// As the bastion itself dials it. Never "localhost": that may be somebody else's ::1, and no permitopen of ours.
std::string seen_from_bastion(const std::string& bind) {
  if (bind.empty() || bind == "*" || bind == "0.0.0.0") return "127.0.0.1";
  return bind == "::" ? "::1" : bind;
}

std::string through_jump(const Tunnel& tunnel, const Forward& forward, const std::string& user) {
  const auto& listen = std::get<TcpEnd>(forward.listen());
  const auto& target = std::get<TcpEnd>(forward.target());
  const auto& name = is_loopback(target.host) && !user.empty() ? user : std::string("USER");
  return fmt::format("ssh -J {} -p {} {}@{}", ssh::shell_word(tunnel->bastion.text()), listen.port,
                     ssh::shell_word(name), ssh::shell_word(seen_from_bastion(listen.host)));
}

std::string through_local_port(const Tunnel& tunnel, const Forward& forward) {
  const auto* listen = std::get_if<TcpEnd>(&forward.listen());
  const auto* target = std::get_if<TcpEnd>(&forward.target());
  const unsigned local = listen != nullptr ? listen->port : target != nullptr ? target->port : 2222;
  const auto bracketed = [](const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
  };
  const auto far = listen != nullptr ? fmt::format("{}:{}", bracketed(seen_from_bastion(listen->host)), listen->port)
                                     : end_text(forward.listen());
  const auto& bastion = tunnel->bastion;
  const auto port = bastion.port() ? fmt::format(" -p {}", *bastion.port()) : std::string();
  return fmt::format("ssh -N -L {}{} {}", ssh::shell_word(fmt::format("{}:{}", local, far)), port,
                     ssh::shell_word(bastion.ssh_argument()));
}

}  // namespace

std::string way_in(const Tunnel& tunnel, const std::string& user) {
  const auto& forwards = tunnel->forwards;
  const auto to_ssh = std::ranges::find_if(forwards, leads_to_ssh);
  if (to_ssh != forwards.end()) return through_jump(tunnel, *to_ssh, user);
  return through_local_port(tunnel, forwards.front());
}

}  // namespace holdfast::cli
