#include "tunnels/client_command.hpp"

#include "core/loopback_endpoint.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {
namespace {

constexpr std::uint16_t k_ssh_port = 22;
constexpr std::uint16_t k_first_free_port = 1024;  // below it only root may listen
constexpr std::uint16_t k_raised_by = 2200;        // 22 becomes 2222

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

bool is_tcp_to_ssh(const Forward& forward) {
  return leads_to_ssh_port(forward) && std::holds_alternative<TcpEnd>(forward.listen());
}

}  // namespace

ssh::ResolvedRoute unresolved_route(const Tunnel& tunnel, const os::User& user) {
  ssh::ResolvedRoute route;
  const auto& bastion = tunnel->bastion;
  // ssh would log in with the laptop's user name.
  const auto named =
      bastion.user() ? Result<Destination>(bastion) : Destination::parse(user.name + "@" + bastion.text());
  route.hops.push_back(named ? *named : bastion);
  return route;
}

Result<ssh::ResolvedRoute> client_route(const Tunnel& tunnel, const os::User& user, const ssh::Client& client,
                                        const os::Host& host) {
  const auto self = host.user().uid;
  if (self != user.uid && self != 0) return unresolved_route(tunnel, user);
  return ssh::resolve_route(host, client, tunnel->bastion, tunnel->ssh_options, user);
}

std::string jumps_of(const ssh::ResolvedRoute& route) {
  std::string jumps;
  for (const auto& hop : route.hops) jumps += (jumps.empty() ? "" : ",") + hop.text();
  return jumps;
}

std::string local_forward_command(const ssh::ResolvedRoute& route, const Forward& forward) {
  auto before = route;
  const auto bastion = before.hops.back();
  before.hops.pop_back();
  const auto jump = before.hops.empty() ? "" : " -J " + shell_quote(jumps_of(before));
  const auto port = bastion.port() ? fmt::format(" -p {}", *bastion.port()) : std::string();
  return fmt::format("ssh -N -L {}{}{} {}", shell_quote(local_forward(forward)), jump, port,
                     shell_quote(bastion.ssh_argument()));
}

std::string login_command(const ssh::ResolvedRoute& route, const Forward& forward, const std::string& user) {
  // Never "localhost": another process may have ::1, and our permitopen names 127.0.0.1.
  const auto remote = std::get<TcpEnd>(loopback_endpoint(forward.listen()));
  const auto& name = leads_to_this_host(forward) && !user.empty() ? user : std::string("USER");
  return fmt::format("ssh -J {} -p {} {}@{}", shell_quote(jumps_of(route)), remote.port, shell_quote(name),
                     shell_quote(remote.host));
}

bool leads_to_ssh_port(const Forward& forward) {
  const auto* target = std::get_if<TcpEnd>(&forward.target());
  return target != nullptr && target->port == k_ssh_port;
}

bool leads_to_this_host(const Forward& forward) {
  const auto* target = std::get_if<TcpEnd>(&forward.target());
  return target == nullptr || is_loopback(target->host);
}

std::uint16_t local_port(const Forward& forward) {
  const auto* listen = std::get_if<TcpEnd>(&forward.listen());
  const auto* target = std::get_if<TcpEnd>(&forward.target());
  const std::uint16_t port = listen != nullptr ? listen->port : target != nullptr ? target->port : k_ssh_port;
  return port < k_first_free_port ? static_cast<std::uint16_t>(port + k_raised_by) : port;
}

std::string local_forward(const Forward& forward) {
  return fmt::format("{}:{}", local_port(forward), end_text(loopback_endpoint(forward.listen())));
}

std::string login_name(const os::User& user, const os::Host& host) {
  if (!user.name.empty()) return user.name;
  const auto answer = host.run(os::Command{{"id", "-un"}}, std::chrono::seconds(5));
  return answer && answer->ok() ? std::string(trim(answer->out)) : std::string();
}

std::string client_command(const Tunnel& tunnel, const ssh::ResolvedRoute& route, const std::string& user) {
  const auto& forwards = tunnel->forwards;
  const auto to_ssh = std::ranges::find_if(forwards, is_tcp_to_ssh);
  if (to_ssh != forwards.end()) return login_command(route, *to_ssh, user);
  return local_forward_command(route, forwards.front());
}

}  // namespace holdfast::tunnels
