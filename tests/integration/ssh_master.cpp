#include "ssh_master.hpp"

#include "ssh/client/arguments.hpp"

#include <csignal>
#include <stdexcept>

namespace os = holdfast::os;
namespace ssh = holdfast::ssh;

SshMaster::SshMaster(SshdFixture& bastion, const holdfast::Tunnel& tunnel)
    : host_(bastion.host()), control_(bastion.directory() / "ctl") {
  const auto client = ssh::find_client(host_).value();
  const auto log = bastion.directory() / "ssh.log";
  auto argv = ssh::master_arguments(client, tunnel, {.control = control_, .log = log, .verbose = true});
  argv.insert(argv.begin(), {"setpriv", "--pdeathsig", "KILL"});
  process_ = host_.start_detached(os::Detached{os::Command{argv}, bastion.directory() / "ssh.err"}).value();
  eventually(host_, [&] { return host_.status(control_).kind == os::FileKind::socket || !alive(); });
  if (host_.status(control_).kind != os::FileKind::socket)
    throw std::runtime_error("ssh did not log in: " + host_.read_file(log).value());
}

SshMaster::~SshMaster() {
  eventually(host_, [&] { return !host_.signal(process_, SIGKILL); });
}
