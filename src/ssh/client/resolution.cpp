#include "ssh/client/resolution.hpp"

#include "core/text.hpp"
#include "ssh/client/as_user.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

#include <iterator>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_deadline{10};  // a Match exec of the user's may ask the network
constexpr std::uint16_t k_ssh_port = 22;
constexpr int k_most_hops = 16;

Result<Destination> station(const Resolution& resolved) {
  const bool bracketed = resolved.host.find(':') != std::string::npos;
  const auto port = resolved.port == k_ssh_port ? std::string() : fmt::format(":{}", resolved.port);
  auto parsed = Destination::parse(
      fmt::format("{}@{}{}", resolved.user, bracketed ? "[" + resolved.host + "]" : resolved.host, port));
  if (parsed) return parsed;
  auto error = std::move(parsed).error();
  error.status = ExitStatus::failed;
  error.hint = "look at the Host blocks of your ~/.ssh/config: ssh -G shows what they come to";
  return error;
}

class RouteResolver {
 public:
  RouteResolver(const os::Host& host, const Client& client, const os::User& user)
      : host_(host), client_(client), user_(user) {}

  /// `jumps` given: on ssh's command line, where they stand in place of what the configuration says.
  Result<> go(const Destination& destination, const std::vector<SshOption>& options,
              std::optional<std::vector<std::string>> jumps) {
    if (++hops_ > k_most_hops)
      return Error{"following the ProxyJump to", destination.text(), "it has too many hops, or leads back to itself"};
    HOLDFAST_TRY(const auto resolved, resolve(host_, client_, destination, options, user_));
    if (!jumps) jumps = resolved.jumps;
    if (!jumps->empty()) {
      HOLDFAST_TRY(const auto last, Destination::parse(jumps->back()));
      jumps->pop_back();
      // ssh gives the hops before the last one to the ssh that goes there with -J, if there are any.
      HOLDFAST_CHECK(go(last, {}, jumps->empty() ? std::nullopt : jumps));
    } else if (resolved.proxy_command) {
      way.proxy_commands.push_back(*resolved.proxy_command);
    }
    HOLDFAST_TRY(auto here, station(resolved));
    way.stations.push_back(std::move(here));
    return {};
  }

  ResolvedRoute way;

 private:
  const os::Host& host_;
  const Client& client_;
  const os::User& user_;
  int hops_ = 0;
};

}  // namespace

Result<Resolution> parse_resolution(std::string_view said) {
  Resolution resolved;
  std::optional<std::uint32_t> port;
  for (const std::string_view line : lines_of(said)) {
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    const auto key = line.substr(0, blank);
    const std::string value(trim(line.substr(blank + 1)));
    if (key == "user") resolved.user = value;
    if (key == "hostname") resolved.host = value;
    if (key == "port") port = parse_number(value, 1, 65535);
    if (key == "proxyjump" && value != "none") resolved.jumps = split(value, ',');
    if (key == "proxycommand" && value != "none") resolved.proxy_command = value;
    if (key == "hostkeyalias") resolved.host_key_alias = value;
    if (key == "identityfile" && value != "none") resolved.identities.push_back(value);
    if (key == "identityagent") resolved.agent = value;
  }
  if (resolved.user.empty() || resolved.host.empty() || !port)
    return Error{"reading", "the answer of ssh -G", "it names no user, host and port"};
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
  return Error{"asking ssh what it makes of", destination.text(),
               done.timed_out  ? "it did not answer"
               : lines.empty() ? fmt::format("it ended with status {}", done.exit_code)
                               : std::string(lines.front()),
               "ssh -G " + destination.ssh_argument()};
}

Result<ResolvedRoute> resolve_route(const os::Host& host, const Client& client, const Destination& destination,
                                    const std::vector<SshOption>& options, const os::User& user) {
  RouteResolver finder(host, client, user);
  HOLDFAST_CHECK(finder.go(destination, options, std::nullopt));
  return std::move(finder.way);
}

}  // namespace holdfast::ssh
