#include "ssh/server/private_sshd.hpp"

#include "core/text.hpp"
#include "os/append_file.hpp"
#include "os/child.hpp"
#include "os/loopback_port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::ssh {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_poll(5);
constexpr milliseconds k_first_wait(50);
constexpr milliseconds k_longest_wait(1000);
constexpr std::chrono::seconds k_lasting_run(10);  // after one the next start is immediate again
constexpr milliseconds k_end_timeout(2000);
constexpr std::chrono::minutes k_between_trims(10);
constexpr std::size_t k_largest_log = 1024 * 1024;

/// The children of `parent`: sshd's are the sessions.
std::vector<os::ProcessId> children_of(const os::Host& host, pid_t parent) {
  std::vector<os::ProcessId> children;
  for (const auto& name : host.list("/proc")) {
    const auto pid = parse_number(name, 1, std::numeric_limits<pid_t>::max());
    const auto stat = pid ? host.read_file("/proc/" + name + "/stat", 4096) : Result<std::string>(Error{});
    if (!stat) continue;
    // "PID (NAME) STATE PARENT …", proc(5)
    const auto fields = split_words(std::string_view(*stat).substr(stat->rfind(')') + 1));
    if (fields.size() < 2 || fields[1] != std::to_string(parent)) continue;
    if (auto process = host.process(static_cast<pid_t>(*pid))) children.push_back(std::move(*process));
  }
  return children;
}

}  // namespace

struct PrivateSshd::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  os::Host& host;
  fs::path program;
  SshdFiles files;
  std::uint16_t port;
  std::function<void(std::string_view)> log;
  os::LoopbackPortReservation reservation;
  boost::asio::steady_timer timer;
  boost::asio::steady_timer trim_timer;
  std::chrono::steady_clock::time_point began = {};
  std::unique_ptr<os::Child> child = nullptr;
  milliseconds wait = k_first_wait;
  bool ending = false;

  Impl(boost::asio::io_context& owner, os::Host& real_host, fs::path path, SshdFiles sshd_files, std::uint16_t number,
       std::function<void(std::string_view)> log_line)
      : context(owner),
        host(real_host),
        program(std::move(path)),
        files(std::move(sshd_files)),
        port(number),
        log(std::move(log_line)),
        reservation(number),
        timer(owner),
        trim_timer(owner) {}

  void run() {
    began = host.now();
    os::ChildSpec spec{
        .command = {{program.native(), "-D", "-e", "-f", files.config.native()}}, .out = {}, .err = files.log};
    spec.ends_with_us = true;
    auto started = os::Child::start(context, spec, [self = weak_from_this()](int exit_code) {
      if (const auto alive = self.lock()) alive->on_exit(exit_code);
    });
    if (!started) {
      log(started.error().line());
      return run_later();
    }
    child = std::move(*started);
  }

  void on_exit(int exit_code) {
    child.reset();
    if (ending) return;
    const auto lines = split(trim(os::read_tail(files.log, 4096)), '\n');
    log(fmt::format("sshd ended with status {}: {}", exit_code, lines.back()));
    if (host.now() - began >= k_lasting_run) wait = k_first_wait;
    run_later();
  }

  void run_later() {
    timer.expires_after(wait);
    wait = std::min(wait * 2, k_longest_wait);
    timer.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->run();
    });
  }

  /// sshd writes a line for each probe of the tunnel. It appends, and continues at the new end.
  void trim_log() {
    if (host.status(files.log).size > k_largest_log) (void)::truncate(files.log.c_str(), 0);
    trim_timer.expires_after(k_between_trims);
    trim_timer.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->trim_log();
    });
  }

  void end() {
    if (std::exchange(ending, true)) return;
    timer.cancel();
    trim_timer.cancel();
    if (!child) return;
    const auto sessions = children_of(host, child->pid());
    child->signal(SIGTERM);
    for (const auto& session : sessions) host.signal(session, SIGTERM);
    if (!child->ends_within(k_end_timeout)) child->signal(SIGKILL);
    const auto deadline = host.now() + k_end_timeout;
    for (const auto& session : sessions)
      while (os::is_alive(host, session) && host.now() < deadline) host.sleep_for(k_poll);
    child.reset();
  }
};

PrivateSshd::PrivateSshd(boost::asio::io_context& context, os::Host& host, fs::path program, SshdFiles files,
                         std::uint16_t port, std::function<void(std::string_view)> log)
    : impl_(std::make_shared<Impl>(context, host, std::move(program), std::move(files), port, std::move(log))) {}

PrivateSshd::~PrivateSshd() { end(); }

void PrivateSshd::start(milliseconds timeout) {
  impl_->run();
  impl_->trim_log();
  const auto deadline = impl_->host.now() + timeout;
  while (impl_->child && !impl_->child->ends_within(k_poll) && !os::accepts_connections(impl_->port))
    if (impl_->host.now() >= deadline) return;
}

void PrivateSshd::end() { impl_->end(); }

}  // namespace holdfast::ssh
