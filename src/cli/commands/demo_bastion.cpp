#include "cli/commands/demo_bastion.hpp"

#include "cli/interruption.hpp"
#include "core/text.hpp"
#include "os/loopback_port.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace holdfast::cli {
namespace {

namespace fs = boost::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds k_poll{10};
constexpr milliseconds k_timeout{5000};

/// Two ports that were free a moment ago. sshd doesn't support port 0, so the caller retries.
Result<std::pair<std::uint16_t, std::uint16_t>> free_ports() {
  HOLDFAST_TRY(const auto first, os::find_free_loopback_port());
  const os::LoopbackPortReservation reservation(first);  // so that they differ
  HOLDFAST_TRY(const auto second, os::find_free_loopback_port());
  return std::pair(first, second);
}

Result<> must_run(const os::Command& command, os::Host& host) {
  HOLDFAST_TRY(const auto done, host.run(command, k_timeout));
  if (done.ok()) return {};
  return Error{"running", command.argv.front(), std::string(trim(done.err)), ""};
}

Result<fs::path> find_sshd(const os::Host& host) {
  if (const auto sshd = host.find_program("sshd")) return *sshd;
  return Error{"looking for", "the sshd program", "it is not installed",
               "install it for the demo: apt install openssh-server, dnf install openssh-server"};
}

Result<std::string> user_name(const os::Host& host) {
  // $USER may be another user's, after su or sudo.
  HOLDFAST_TRY(const auto done, host.run(os::Command{{"id", "-un"}}, k_timeout));
  if (done.ok()) return std::string(trim(done.out));
  return Error{"finding", "your user name", std::string(trim(done.err)), ""};
}

}  // namespace

Result<DemoBastion> DemoBastion::start(os::Host& host) {
  DemoBastion bastion(host);
  HOLDFAST_TRY(const auto sshd, find_sshd(host));
  HOLDFAST_TRY(bastion.user_, user_name(host));
  HOLDFAST_CHECK(bastion.make_directory());
  HOLDFAST_CHECK(bastion.make_keys());
  HOLDFAST_CHECK(bastion.serve(sshd));
  return bastion;
}

DemoBastion::DemoBastion(DemoBastion&& other) noexcept
    : host_(std::exchange(other.host_, nullptr)),
      user_(std::move(other.user_)),
      directory_(std::move(other.directory_)),
      made_privilege_directory_(std::move(other.made_privilege_directory_)),
      sshd_(std::move(other.sshd_)),
      port_(other.port_),
      tunnel_port_(other.tunnel_port_) {}

DemoBastion::~DemoBastion() {
  if (host_ != nullptr) (void)stop();
}

Result<> DemoBastion::make_directory() {
  std::string path = "/tmp/holdfast-demo-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return errno_error("making", path, errno);
  directory_ = path;
  // sshd(8) needs it as root, and a machine that never ran sshd doesn't have it.
  const fs::path privilege_directory = "/run/sshd";
  if (host_->user().uid == 0 && host_->status(privilege_directory).kind == os::FileKind::missing) {
    HOLDFAST_CHECK(host_->make_directories(privilege_directory, 0755));
    made_privilege_directory_ = privilege_directory;
  }
  return {};
}

Result<> DemoBastion::make_keys() {
  for (const char* name : {"host_key", "key"})
    HOLDFAST_CHECK(must_run(os::Command{{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "holdfast demo", "-f",
                                         (directory_ / name).string()}},
                            *host_));
  HOLDFAST_TRY(const auto public_key, host_->read_file(directory_ / "key.pub"));
  return host_->write_file(directory_ / "authorized_keys", public_key, 0600);
}

Result<> DemoBastion::serve(const fs::path& sshd) {
  constexpr int k_tries = 5;
  for (int attempt = 0; attempt < k_tries; ++attempt) {
    HOLDFAST_TRY(const bool serving, serve_on_free_ports(sshd));
    if (serving) return {};
  }
  const auto log = host_->read_file(directory_ / "log");
  return Error{"starting", sshd.string(),
               log && !log->empty() ? std::string(trim(*log)) : "it exited without an error message", ""};
}

Result<bool> DemoBastion::serve_on_free_ports(const fs::path& sshd) {
  HOLDFAST_TRY(const auto ports, free_ports());
  std::tie(port_, tunnel_port_) = ports;
  const auto at = [&](const char* name) { return (directory_ / name).string(); };
  const auto configuration = fmt::format(
      "ListenAddress 127.0.0.1\nPort {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n"
      "PermitRootLogin prohibit-password\nPasswordAuthentication no\nAllowTcpForwarding yes\nPrintMotd no\n"
      "PrintLastLog no\nX11Forwarding no\n",
      port_, at("host_key"), at("authorized_keys"));
  HOLDFAST_CHECK(host_->write_file(directory_ / "sshd_config", configuration, 0600));
  HOLDFAST_TRY(const auto host_key, host_->read_file(directory_ / "host_key.pub"));
  const auto words = split(trim(host_key), ' ');
  if (words.size() < 2) return Error{"reading", at("host_key.pub"), "it is not a public key", ""};
  // The tunnel leads to this same sshd.
  HOLDFAST_CHECK(host_->write_file(
      known_hosts(),
      fmt::format("[127.0.0.1]:{2} {0} {1}\n[127.0.0.1]:{3} {0} {1}\n", words[0], words[1], port_, tunnel_port_),
      0600));
  const os::Command command{{sshd.string(), "-D", "-f", at("sshd_config"), "-E", at("log")}};
  HOLDFAST_TRY(sshd_, host_->start_detached({command, {}}));
  const auto deadline = host_->now() + k_timeout;
  while (host_->now() < deadline) {
    HOLDFAST_CHECK(Interruption::check());
    if (!os::is_alive(*host_, *sshd_)) return false;
    if (os::accepts_connections(port_)) return true;
    host_->sleep_for(k_poll);
  }
  return Error{"starting", sshd.string(), "no answer within 5 s", ""};
}

Result<os::Completed> DemoBastion::run_ssh(std::uint16_t port, const std::vector<std::string>& remote_argv,
                                           milliseconds deadline) const {
  os::Command command{{"ssh", "-F", "none", "-T", "-p", std::to_string(port), "-i", key().string()}};
  for (const auto& option :
       {std::string("BatchMode=yes"), std::string("IdentitiesOnly=yes"), std::string("StrictHostKeyChecking=yes"),
        std::string("ConnectTimeout=5"), "UserKnownHostsFile=" + known_hosts().string()}) {
    command.argv.emplace_back("-o");
    command.argv.push_back(option);
  }
  command.argv.insert(command.argv.end(), {"--", user_ + "@127.0.0.1"});
  command.argv.insert(command.argv.end(), remote_argv.begin(), remote_argv.end());
  return host_->run(command, deadline);
}

bool DemoBastion::has_sessions() const {
  for (const auto& name : host_->list("/proc")) {
    const auto pid = parse_number(name, 1, INT32_MAX);
    if (!pid) continue;
    const auto stat = host_->read_file("/proc/" + name + "/stat", 4096);
    if (!stat) continue;
    // "PID (NAME) STATE PARENT …", proc(5)
    const auto fields = split(std::string_view(*stat).substr(stat->rfind(')') + 1), ' ');
    if (fields.size() > 2 && fields[1] != "Z" && fields[2] == std::to_string(sshd_->pid)) return true;
  }
  return false;
}

Result<> DemoBastion::stop() {
  if (sshd_) {
    // Sessions outlive the listening process, so wait for them first.
    const auto deadline = host_->now() + k_timeout;
    while (os::is_alive(*host_, *sshd_) && has_sessions() && host_->now() < deadline) host_->sleep_for(k_poll);
    host_->signal(*sshd_, SIGTERM);
    if (!os::wait_for_exit(*host_, *sshd_, k_timeout))
      return Error{"ending", "the demo's sshd", "it did not end within 10 s", ""};
    sshd_.reset();
  }
  if (made_privilege_directory_) {
    HOLDFAST_CHECK(host_->remove_empty_directory(*made_privilege_directory_));
    made_privilege_directory_.reset();
  }
  if (!directory_.empty()) HOLDFAST_CHECK(host_->remove_tree(directory_));
  return {};
}

}  // namespace holdfast::cli
