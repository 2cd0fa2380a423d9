#include "os/child.hpp"

#include "os/launch.hpp"
#include "os/posix_files.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

namespace holdfast::os {

namespace process_v2 = boost::process::v2;

/// Process v2 1.81 does not wait for it: a wait whose signal has arrived outlives the process object, and uses it.
struct Child::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::signal_set signals;
  OnExit on_exit;
  pid_t pid = -1;
  bool ended = false;

  Impl(boost::asio::io_context& context, OnExit handler) : signals(context, SIGCHLD), on_exit(std::move(handler)) {}

  void wait() {
    signals.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled, int) {
      if (const auto alive = self.lock(); alive && !cancelled) alive->on_signal();
    });
  }

  void on_signal() {
    int status = SIGTERM;  // Host::signal() reaps a child that it has ended
    if (::waitpid(pid, &status, WNOHANG) == 0) return wait();
    ended = true;
    on_exit(exit_code_of(status));
  }
};

Child::Child(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Child::~Child() {
  if (!impl_->ended) ::waitpid(impl_->pid, nullptr, WNOHANG);
}

Result<std::unique_ptr<Child>> Child::start(boost::asio::io_context& context, const ChildSpec& spec, OnExit on_exit) {
  HOLDFAST_TRY(const fs::path program, resolve_program(spec.command));
  const auto open_sink = [](const fs::path& path) {
    // O_NONBLOCK: opening a FIFO must not block.
    return Descriptor(::open(path.empty() ? "/dev/null" : path.c_str(),
                             O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  };
  const Descriptor file = spec.out_descriptor < 0 ? open_sink(spec.out) : Descriptor();
  const int out = spec.out_descriptor < 0 ? file.get() : spec.out_descriptor;
  if (out < 0) return errno_error("opening", spec.out.string(), errno);
  const Descriptor err = open_sink(spec.err);
  if (!err) return errno_error("opening", spec.err.string(), errno);

  std::optional<EnvironmentBlock> block;
  if (spec.command.environment) block.emplace(*spec.command.environment);
  auto impl = std::make_shared<Impl>(context, std::move(on_exit));  // before the start: it misses no signal
  const auto lock = lock_forks();
  process_v2::posix::default_launcher launcher;
  if (block) launcher.env = block->data();
  boost::system::error_code error;
  auto process = launcher(context.get_executor(), error, program, tail(spec.command.argv),
                          process_v2::process_stdio{nullptr, out, err.get()}, process_v2::process_start_dir{"/"},
                          ChildHygiene{{.own_session = true, .ends_with_us = spec.ends_with_us}});
  if (error) {
    reap_failed_start(launcher.pid);
    return Error{"starting", program.string(), errno_text(error.value()), {}};
  }
  impl->pid = process.id();
  process.detach();  // its destructor kills the child otherwise
  impl->wait();
  return std::unique_ptr<Child>(new Child(std::move(impl)));
}

pid_t Child::pid() const noexcept { return impl_->pid; }

void Child::signal(int signal_number) noexcept {
  if (!impl_->ended) ::kill(impl_->pid, signal_number);
}

bool Child::ends_within(std::chrono::milliseconds span) const {
  constexpr std::chrono::milliseconds k_poll(5);
  const auto deadline = std::chrono::steady_clock::now() + span;
  while (!impl_->ended) {
    siginfo_t state{};
    const auto pid = static_cast<id_t>(impl_->pid);
    if (::waitid(P_PID, pid, &state, WEXITED | WNOHANG | WNOWAIT) != 0 || state.si_pid != 0) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(k_poll);
  }
  return true;
}

}  // namespace holdfast::os
