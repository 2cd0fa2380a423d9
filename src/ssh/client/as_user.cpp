#include "ssh/client/as_user.hpp"

#include <utility>

namespace holdfast::ssh {

Result<os::Command> command_as(const os::Host& host, const os::User& user, os::Command command) {
  const os::User self = host.user();
  if (user.uid == self.uid) return command;
  const auto refuse = [&](std::string cause, std::string hint) {
    return Error{"running a command as user", user.name, std::move(cause), std::move(hint)};
  };
  if (self.uid != 0) return refuse("only root can do that", "run it as that user, or with sudo");
  const auto setpriv = host.find_program("setpriv");
  if (!setpriv) return refuse("setpriv is not installed", "install util-linux");
  command.argv.insert(command.argv.begin(),
                      {setpriv->native(), "--reuid=" + std::to_string(user.uid), "--regid=" + std::to_string(user.gid),
                       "--init-groups", "--inh-caps=-all"});
  return command;
}

}  // namespace holdfast::ssh
