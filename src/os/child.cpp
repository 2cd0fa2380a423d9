#include "os/child.hpp"

#include "os/launch.hpp"
#include "os/posix_files.hpp"

#include <boost/asio/io_context.hpp>

#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

namespace holdfast::os {

namespace process_v2 = boost::process::v2;

struct Child::Impl {
  using Process = process_v2::basic_process<boost::asio::io_context::executor_type>;
  Process process;
  OnExit on_exit;
  bool ended = false;

  Impl(Process started, OnExit handler) : process(std::move(started)), on_exit(std::move(handler)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (!ended) process.detach();  // its destructor kills the child otherwise
  }
};

Child::Child(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Child::~Child() = default;

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
  auto impl = std::make_unique<Impl>(std::move(process), std::move(on_exit));
  Impl* raw = impl.get();
  raw->process.async_wait([raw](const boost::system::error_code& cancelled, int) {
    if (cancelled == boost::asio::error::operation_aborted) return;  // raw is destroyed
    raw->ended = true;
    raw->on_exit(exit_code_of(raw->process.native_exit_code()));
  });
  return std::unique_ptr<Child>(new Child(std::move(impl)));
}

pid_t Child::pid() const noexcept { return impl_->process.id(); }

void Child::signal(int signal_number) noexcept {
  if (!impl_->ended) ::kill(impl_->process.id(), signal_number);
}

bool Child::ends_within(std::chrono::milliseconds span) const {
  constexpr std::chrono::milliseconds k_poll(5);
  const auto deadline = std::chrono::steady_clock::now() + span;
  while (!impl_->ended) {
    siginfo_t state{};
    const auto pid = static_cast<id_t>(impl_->process.id());
    if (::waitid(P_PID, pid, &state, WEXITED | WNOHANG | WNOWAIT) != 0 || state.si_pid != 0) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(k_poll);
  }
  return true;
}

}  // namespace holdfast::os
