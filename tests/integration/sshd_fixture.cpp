#include "sshd_fixture.hpp"

#include "core/text.hpp"
#include "os/posix_host.hpp"

#include <boost/filesystem/operations.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace fs = boost::filesystem;
namespace os = holdfast::os;
using namespace std::chrono_literals;

namespace {

// The second field after the process name is the parent, proc(5).
std::vector<pid_t> children_of(const os::Host& host, pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& name : host.list("/proc")) {
    const auto pid = holdfast::parse_number(name, 2, INT32_MAX);
    if (!pid) continue;
    const auto stat = host.read_file("/proc/" + name + "/stat");
    if (!stat) continue;
    const auto fields = holdfast::split(holdfast::trim(std::string_view(*stat).substr(stat->rfind(')') + 1)), ' ');
    if (fields.size() > 1 && fields[1] == std::to_string(parent)) children.push_back(static_cast<pid_t>(*pid));
  }
  return children;
}

void collect_descendants(const os::Host& host, pid_t parent, std::vector<os::ProcessId>& found) {
  for (const pid_t child : children_of(host, parent)) {
    collect_descendants(host, child, found);
    if (const auto process = host.process(child)) found.push_back(*process);
  }
}

void kill_and_wait(os::Host& host, const os::ProcessId& process) {
  eventually(host, [&] { return !host.signal(process, SIGKILL); });
}

}  // namespace

std::uint16_t free_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool fine = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(socket);
  if (!fine) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

SshdFixture::SshdFixture(const SshdSettings& settings)
    : host_(os::make_posix_host()),
      directory_(fs::temp_directory_path() / fs::unique_path("holdfast-sshd-%%%%%%%%")),
      config_(settings.config) {
  fs::create_directory(directory_);
  fs::permissions(directory_, fs::owner_all);
  // As root, sshd needs an empty directory that otherwise its unit creates.
  if (::geteuid() == 0) fs::create_directories("/run/sshd");

  user_ = std::string(holdfast::trim(say({"id", "-un"})));
  make_key(directory_ / "host_key");
  make_key(identity());
  fingerprint_ = holdfast::split(say({"ssh-keygen", "-lf", (directory_ / "host_key.pub").native()}), ' ').at(1);
  const auto own = host_->read_file(directory_ / "id.pub");
  const std::string options = settings.key_options.empty() ? "" : settings.key_options + " ";
  if (!own || !host_->write_volatile_file(directory_ / "authorized_keys", options + *own, 0600))
    throw std::runtime_error("the key cannot be authorized");
  // Between free_port() and sshd another process can take the port.
  for (int attempts_left = 5; attempts_left > 0; --attempts_left) {
    port_ = free_port();
    try {
      start();
      return;
    } catch (const std::runtime_error&) {
      if (attempts_left == 1) throw;
    }
  }
}

SshdFixture::~SshdFixture() {
  stop();
  boost::system::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string SshdFixture::say(const std::vector<std::string>& argv) const {
  const auto done = host_->run(os::Command{argv}, 60s);
  if (!done || !done->ok()) throw std::runtime_error(argv[0] + " failed: " + (done ? done->err : done.error().line()));
  return done->out;
}

void SshdFixture::make_key(const fs::path& file) const {
  (void)say({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "holdfast-test", "-f", file.native()});
}

std::string SshdFixture::bastion() const { return user_ + "@127.0.0.1:" + std::to_string(port_); }

std::string SshdFixture::log() const {
  const auto text = host_->read_file(directory_ / "sshd.log");
  return text ? *text : std::string();
}

holdfast::TunnelSpec SshdFixture::spec(const std::vector<std::string>& forwards) const {
  std::vector<holdfast::Forward> parsed;
  for (const auto& text : forwards) parsed.push_back(holdfast::Forward::parse(text).value());
  holdfast::TunnelSpec spec{holdfast::TunnelName::parse("lab").value(), holdfast::Destination::parse(bastion()).value(),
                            std::move(parsed)};
  spec.identity = identity();
  spec.known_hosts = known_hosts();
  spec.runtime_dir = directory_;
  spec.host = host_->hostname();
  return spec;
}

holdfast::Tunnel SshdFixture::tunnel(const std::vector<std::string>& forwards) const {
  return holdfast::Tunnel::make(spec(forwards)).value();
}

bool SshdFixture::listens_within(std::chrono::milliseconds span) const {
  const std::string ready = "Server listening on 127.0.0.1 port " + std::to_string(port_);
  eventually(
      *host_, [&] { return log().find(ready) != std::string::npos || !os::is_alive(*host_, listener_); }, span);
  return os::is_alive(*host_, listener_) && log().find(ready) != std::string::npos;
}

void SshdFixture::start() {
  std::string text;
  for (const auto& line : config_) text += line + "\n";
  text += "Port " + std::to_string(port_) + "\nListenAddress 127.0.0.1\nHostKey " + (directory_ / "host_key").native() +
          "\nAuthorizedKeysFile " + (directory_ / "authorized_keys").native() +
          "\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
          "KbdInteractiveAuthentication no\nLogLevel VERBOSE\n";
  const auto key = host_->read_file(directory_ / "host_key.pub");
  const auto sshd = host_->find_program("sshd");
  if (!sshd) throw std::runtime_error("sshd is not installed");
  (void)host_->remove_file(directory_ / "sshd.log");
  if (!host_->write_volatile_file(directory_ / "sshd_config", text, 0600) ||
      !host_->write_volatile_file(known_hosts(), "[127.0.0.1]:" + std::to_string(port_) + " " + *key, 0600))
    throw std::runtime_error("the settings of sshd cannot be written");
  // Ends with the test, even if that is killed.
  const auto started =
      host_->start_detached(os::Detached{os::Command{{"setpriv", "--pdeathsig", "KILL", sshd->native(), "-D", "-e",
                                                      "-f", (directory_ / "sshd_config").native()}},
                                         directory_ / "sshd.log"});
  if (!started) throw std::runtime_error(started.error().line());
  listener_ = *started;
  if (listens_within(60s)) return;
  stop();
  throw std::runtime_error("sshd did not start: " + log());
}

void SshdFixture::stop() {
  if (listener_.pid == 0) return;
  // Stop the listener first, so that no new session appears.
  host_->signal(listener_, SIGSTOP);
  drop_sessions();
  kill_and_wait(*host_, listener_);
  listener_ = {};
}

void SshdFixture::drop_sessions() {
  std::vector<os::ProcessId> sessions;
  collect_descendants(*host_, listener_.pid, sessions);
  for (const auto& session : sessions) kill_and_wait(*host_, session);
}
