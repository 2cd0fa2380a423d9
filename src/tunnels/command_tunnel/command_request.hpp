// What with-tunnel is asked for: a tunnel that lives as long as a command. Usage errors end here.
#pragma once

#include "core/port_range.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "tunnels/observer.hpp"

#include <holdfast/request.hpp>

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

namespace fs = boost::filesystem;

/// The options of with-tunnel as texts.
struct CommandArguments {
  Request connection;                 ///< ports: one text, PORT or FIRST-LAST; bastions, identity, ssh_options
  std::optional<std::string> target;  ///< HOST:PORT or a socket's path; nothing: a private sshd
  bool sshd = false;                  ///< --sshd, which is the default
  std::optional<std::string> keys;    ///< for the private sshd
  std::optional<std::string> wait;
  bool required = false;
};

struct CommandRequest {
  Destination bastion;
  PortRange ports;
  std::optional<End> target;              ///< nothing: a private sshd
  std::optional<fs::path> identity = {};  ///< absolute
  fs::path keys = {};                     ///< absolute: the public keys that the private sshd accepts
  std::vector<SshOption> ssh_options = {};
  std::chrono::seconds wait{20};
  bool required = false;  ///< without a tunnel the command is not run
};

[[nodiscard]] Result<CommandRequest> read_command_request(const CommandArguments& arguments, os::Host& host,
                                                          Observer& observer);

/// HOST:PORT, or the absolute path of a unix socket.
[[nodiscard]] Result<End> parse_target(std::string_view text);

/// The forward from 127.0.0.1:`port` of the bastion to `target`.
[[nodiscard]] Result<Forward> forward_to(const End& target, std::uint16_t port);

}  // namespace holdfast::tunnels
