#include "os/piped_child.hpp"

#include "os/launch.hpp"
#include "os/posix_files.hpp"

#include <boost/asio/io_context.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace holdfast::os {

namespace process_v2 = boost::process::v2;

namespace {

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("making", "a pipe", errno);
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK);  // our end only: the child's writes may block
  return pipe;
}

}  // namespace

Result<PipedChild> PipedChild::start(const Command& command) {
  HOLDFAST_TRY(const fs::path program, resolve_program(command));
  HOLDFAST_TRY(auto out_pipe, make_pipe());
  HOLDFAST_TRY(auto err_pipe, make_pipe());
  boost::asio::io_context context;
  std::optional<EnvironmentBlock> block;
  if (command.environment) block.emplace(*command.environment);
  process_v2::posix::default_launcher launcher;
  if (block) launcher.env = block->data();
  boost::system::error_code error;
  auto child = launcher(context.get_executor(), error, program, tail(command.argv),
                        process_v2::process_stdio{nullptr, out_pipe.writer.get(), err_pipe.writer.get()},
                        ChildHygiene{.own_session = true});
  if (error) {
    reap_failed_start(launcher.pid);
    return Error{"starting", program.string(), errno_text(error.value()), {}};
  }
  const pid_t pid = child.id();
  child.detach();
  return PipedChild(pid, {out_pipe.reader.release(), err_pipe.reader.release()});
}

PipedChild::PipedChild(PipedChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipes_(std::exchange(other.pipes_, {-1, -1})),
      exit_code_(std::exchange(other.exit_code_, std::nullopt)) {}

PipedChild::~PipedChild() {
  for (const int pipe : pipes_)
    if (pipe >= 0) ::close(pipe);
}

std::string PipedChild::read(Stream stream) {
  std::string bytes;
  std::array<char, 8192> buffer{};
  while (pipes_[stream] >= 0) {
    const ssize_t got = ::read(pipes_[stream], buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      ::close(std::exchange(pipes_[stream], -1));
      break;
    }
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < buffer.size()) break;
  }
  return bytes;
}

std::optional<int> PipedChild::exit_code() {
  if (exit_code_ || pid_ <= 0) return exit_code_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = exit_code_of(status);
  return exit_code_;
}

void PipedChild::signal(int signal_number) noexcept {
  if (!exit_code_ && pid_ > 0) ::kill(pid_, signal_number);
}

}  // namespace holdfast::os
