#include "ssh/client/resolution.hpp"

#include "core/failure.hpp"
#include "core/text.hpp"
#include "ssh/client/as_user.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

#include <iterator>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_deadline{10};  // a Match exec in the user's configuration may use the network
constexpr std::uint16_t k_ssh_port = 22;
constexpr int k_most_hops = 16;

Result<Destination> to_destination(const Resolution& resolved) {
  const bool bracketed = resolved.host.find(':') != std::string::npos;
  const auto port = resolved.port == k_ssh_port ? std::string() : fmt::format(":{}", resolved.port);
  auto parsed = Destination::parse(
      fmt::format("{}@{}{}", resolved.user, bracketed ? "[" + resolved.host + "]" : resolved.host, port));
  if (parsed) return parsed;
  auto error = std::move(parsed).error();
  error.status = ExitStatus::failed;
  error.hint = "check the Host blocks of your ~/.ssh/config with ssh -G";
  return error;
}

// ssh -G writes every numeric address of a jump host in brackets: "a@[192.0.2.1]:99".
std::string without_ipv4_brackets(std::string jump) {
  const auto open = jump.find('[');
  const auto close = jump.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return jump;
  if (jump.find(':', open) < close) return jump;
  jump.erase(close, 1);
  jump.erase(open, 1);
  return jump;
}

class RouteResolver {
 public:
  RouteResolver(const os::Host& host, const Client& client, const os::User& user)
      : host_(host), client_(client), user_(user) {}

  /// `jumps`: from the command line of ssh, where they replace those of the configuration.
  Result<> add(const Destination& destination, const std::vector<SshOption>& options,
               std::optional<std::vector<std::string>> jumps) {
    if (++hops_ > k_most_hops) {
      Error loop{"following the ProxyJump to", destination.text(), "too many hops or a loop"};
      loop.failure = to_text(FailureClass::jump_host);
      return loop;
    }
    HOLDFAST_TRY(const auto resolved, resolve(host_, client_, destination, options, user_));
    const bool is_jump_host = hops_ > 1;
    if (!is_jump_host) route.destination = resolved;
    if (!jumps) jumps = resolved.jumps;
    if (!jumps->empty()) {
      HOLDFAST_TRY(const auto last, Destination::parse(jumps->back()));
      jumps->pop_back();
      // ssh passes the hops before the last one to its own ssh with -J.
      HOLDFAST_CHECK(add(last, {}, jumps->empty() ? std::nullopt : jumps));
      route.proxy_jumps.push_back(last);
    } else if (resolved.proxy_command) {
      route.proxy_commands.push_back(*resolved.proxy_command);
    }
    HOLDFAST_TRY(auto here, to_destination(resolved));
    route.hops.push_back(std::move(here));
    if (is_jump_host && resolved.agent) route.jump_agents.push_back(*resolved.agent);
    return {};
  }

  ResolvedRoute route;

 private:
  const os::Host& host_;
  const Client& client_;
  const os::User& user_;
  int hops_ = 0;
};

}  // namespace

Result<Resolution> parse_resolution(std::string_view output) {
  Resolution resolved;
  std::optional<std::uint32_t> port;
  for (const std::string_view line : lines_of(output)) {
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    const auto key = line.substr(0, blank);
    const std::string value(trim(line.substr(blank + 1)));
    if (key == "user") resolved.user = value;
    if (key == "hostname") resolved.host = value;
    if (key == "port") port = parse_number(value, 1, 65535);
    if (key == "proxyjump" && value != "none")
      for (const std::string& jump : split(value, ',')) resolved.jumps.push_back(without_ipv4_brackets(jump));
    if (key == "proxycommand" && value != "none") resolved.proxy_command = value;
    if (key == "hostkeyalias") resolved.host_key_alias = value;
    if (key == "identityfile" && value != "none") resolved.identities.push_back(value);
    if (key == "identityagent") resolved.agent = value;
    if (key == "userknownhostsfile") resolved.known_hosts = value;
    if (key == "pkcs11provider") resolved.uses_token = value != "none";
    if (key == "pubkeyauthentication") resolved.offers_keys = value != "no" && value != "false";
  }
  if (resolved.user.empty() || resolved.host.empty() || !port)
    return Error{"reading", "the output of ssh -G", "user, host or port is missing"};
  resolved.port = static_cast<std::uint16_t>(*port);
  return resolved;
}

Result<Resolution> resolve(const os::Host& host, const Client& client, const Destination& destination,
                           const std::vector<SshOption>& options, const os::User& user) {
  os::Command command{{client.program.native(), "-G"}, job_environment(host, user)};
  for (const auto& option : options) {
    command.argv.emplace_back("-o");
    command.argv.push_back(option.key + "=" + option.value);
  }
  if (destination.port()) {
    command.argv.emplace_back("-p");
    command.argv.push_back(std::to_string(*destination.port()));
  }
  command.argv.emplace_back("--");
  command.argv.push_back(destination.ssh_argument());
  HOLDFAST_TRY(const auto wrapped, command_as(host, user, std::move(command)));
  HOLDFAST_TRY(const auto done, host.run(wrapped, k_deadline));
  if (done.ok()) return parse_resolution(done.out);
  const auto lines = lines_of(done.err);
  return Error{"resolving", destination.text(),
               done.timed_out  ? "ssh -G did not answer"
               : lines.empty() ? fmt::format("ssh -G exited with status {}", done.exit_code)
                               : std::string(lines.front()),
               "see why: ssh -G " + destination.ssh_argument()};
}

std::vector<Destination> ResolvedRoute::jump_hosts() const {
  return hops.empty() ? hops : std::vector<Destination>(hops.begin(), hops.end() - 1);
}

Result<ResolvedRoute> resolve_route(const os::Host& host, const Client& client, const Destination& destination,
                                    const std::vector<SshOption>& options, const os::User& user) {
  RouteResolver resolver(host, client, user);
  HOLDFAST_CHECK(resolver.add(destination, options, std::nullopt));
  return std::move(resolver.route);
}

}  // namespace holdfast::ssh
