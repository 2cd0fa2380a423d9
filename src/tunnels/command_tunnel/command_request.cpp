#include "tunnels/command_tunnel/command_request.hpp"

#include "core/duration.hpp"
#include "core/text.hpp"
#include "tunnels/setup/setup_arguments.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

Result<PortRange> read_ports(const std::vector<std::string>& ports) {
  if (ports.empty())
    return usage_error("option --port", "it is missing", "give -p PORT or -p FIRST-LAST, ports of the bastion");
  if (ports.size() > 1)
    return usage_error("option --port", "it is given more than once", "give a range: -p FIRST-LAST");
  return PortRange::parse(ports.front());
}

Result<std::chrono::seconds> read_wait(const std::string& text) {
  if (const auto wait = parse_duration(text)) return *wait;
  return usage_error("option --wait \"" + text.substr(0, 200) + "\"", "it is not a time of up to a day",
                     "give a number with s, m or h, as in 20s");
}

Result<fs::path> read_keys(const std::optional<std::string>& given, const os::Host& host) {
  const auto& home = host.user().home;
  auto path = resolve_identity(given.value_or("~/.ssh/authorized_keys"), home, host.working_directory());
  if (path) return path;
  return usage_error("option --keys", path.error().cause, path.error().hint);
}

Result<> check_target_options(const CommandArguments& arguments) {
  if (arguments.target && arguments.sshd)
    return usage_error("option --sshd", "it cannot be combined with --target", "leave one of them out");
  if (arguments.target && arguments.keys)
    return usage_error("option --keys", "only the private sshd reads it", "leave --target or --keys out");
  return {};
}

}  // namespace

Result<Forward> forward_to(const End& target, std::uint16_t port) {
  return Forward::parse(fmt::format("127.0.0.1:{}:{}", port, end_text(target)));
}

Result<End> parse_target(std::string_view text) {
  const auto refuse = [&](std::string cause) {
    return usage_error("option --target \"" + std::string(text.substr(0, 200)) + "\"", std::move(cause),
                       "give HOST:PORT, as in localhost:8888, or the path of a socket");
  };
  // A forward without a target leads to port 22.
  if (text.empty()) return refuse("it is empty");
  const auto forward = Forward::parse("127.0.0.1:1:" + std::string(text));
  if (!forward) return refuse(forward.error().cause);
  if (forward->listen() != End(TcpEnd{"127.0.0.1", 1})) return refuse("it has too many parts");
  return forward->target();
}

Result<CommandRequest> read_command_request(const CommandArguments& arguments, os::Host& host, Observer& observer) {
  HOLDFAST_TRY(const auto ports, read_ports(arguments.connection.ports));
  HOLDFAST_CHECK(check_target_options(arguments));
  std::optional<End> target;
  if (arguments.target) {
    HOLDFAST_TRY(target, parse_target(*arguments.target));
  }
  HOLDFAST_TRY(auto name, TunnelName::parse("with-tunnel"));
  HOLDFAST_TRY(auto forward, Forward::parse(std::to_string(ports.first())));
  HOLDFAST_TRY(auto connection, read_connection(arguments.connection, Scope::user, std::move(name),
                                                {std::move(forward)}, host, observer));
  if (!connection.fallbacks.empty())
    return usage_error("option --bastion", "with-tunnel uses only one bastion", "give one --bastion");
  CommandRequest request{std::move(connection.bastion), ports, std::move(target)};
  request.identity = std::move(connection.identity);
  request.ssh_options = std::move(connection.ssh_options);
  if (!request.target) {
    HOLDFAST_TRY(request.keys, read_keys(arguments.keys, host));
  }
  if (arguments.wait) {
    HOLDFAST_TRY(request.wait, read_wait(*arguments.wait));
  }
  request.required = arguments.required;
  return request;
}

}  // namespace holdfast::tunnels
