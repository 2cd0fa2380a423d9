#include "ssh/remote/remote_query.hpp"

#include "ssh/client/as_user.hpp"
#include "ssh/remote/remote_command.hpp"

#include <chrono>
#include <utility>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_timeout{10};
constexpr std::chrono::milliseconds k_poll{50};

}  // namespace

Result<std::optional<RemoteSession>> query_remote_session(boost::asio::io_context& context, os::Host& host,
                                                          const Tunnel& tunnel, const PreflightRequest& request,
                                                          const fs::path& control) {
  HOLDFAST_TRY(
      const os::Command command,
      command_as(host, request.run_as,
                 {remote_command_line(request.client, control, tunnel->bastion, std::nullopt), request.environment}));
  std::optional<RemoteCommand::Answer> answer;
  RemoteCommand remote(context);
  HOLDFAST_CHECK(remote.start(command, k_timeout, [&](RemoteCommand::Answer reply) { answer = std::move(reply); }));
  while (!answer && !(request.interrupted && request.interrupted())) {
    context.restart();
    context.run_one_for(k_poll);
  }
  return answer && answer->ended ? parse_remote_session(answer->output) : std::nullopt;
}

}  // namespace holdfast::ssh
