#include "os/piped_child.hpp"

#include "os/posix_files.hpp"
#include "os/spawn.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace holdfast::os {

namespace {

constexpr int k_unknown_exit = 127;
constexpr std::size_t k_most_at_once = 128 * 1024;  // of a child that never pauses; more than a pipe contains

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("making", "a pipe", errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// Our end only: the child's calls may block.
int without_blocking(Descriptor& end) noexcept {
  ::fcntl(end.get(), F_SETFL, O_NONBLOCK);
  return end.release();
}

}  // namespace

Result<PipedChild> PipedChild::start(const Command& command, bool killed_with_us) {
  const auto lock = lock_forks();
  HOLDFAST_TRY(auto out_pipe, make_pipe());
  HOLDFAST_TRY(auto err_pipe, make_pipe());
  Pipe in_pipe;
  if (!command.input.empty()) {
    HOLDFAST_TRY(in_pipe, make_pipe());
  }
  HOLDFAST_TRY(const pid_t pid,
               spawn(command, {.streams = {in_pipe.reader.get(), out_pipe.writer.get(), err_pipe.writer.get()},
                               .setup = {.own_session = true, .killed_with_us = killed_with_us}}));
  PipedChild child(pid, {without_blocking(out_pipe.reader), without_blocking(err_pipe.reader)});
  if (in_pipe.writer) child.input_pipe_ = without_blocking(in_pipe.writer);
  child.input_ = command.input;
  return child;
}

PipedChild::PipedChild(PipedChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipes_(std::exchange(other.pipes_, {-1, -1})),
      input_pipe_(std::exchange(other.input_pipe_, -1)),
      input_(std::move(other.input_)),
      exit_code_(std::exchange(other.exit_code_, std::nullopt)) {}

PipedChild::~PipedChild() {
  for (const int pipe : {pipes_[out], pipes_[err], input_pipe_})
    if (pipe >= 0) ::close(pipe);
}

void PipedChild::write_input() {
  while (input_pipe_ >= 0) {
    const ssize_t written = ::write(input_pipe_, input_.data(), input_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written > 0) input_.erase(0, static_cast<std::size_t>(written));
    if (written < 0 || input_.empty()) ::close(std::exchange(input_pipe_, -1));
  }
}

std::string PipedChild::read(Stream stream) {
  std::string bytes;
  std::array<char, 8192> buffer{};
  while (pipes_[stream] >= 0 && bytes.size() < k_most_at_once) {
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
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == pid_) exit_code_ = exit_code_of(status);
  if (ended < 0 && errno == ECHILD) exit_code_ = k_unknown_exit;  // code of the caller has reaped it
  return exit_code_;
}

void PipedChild::signal(int signal_number) noexcept {
  if (!exit_code_ && pid_ > 0) ::kill(pid_, signal_number);
}

}  // namespace holdfast::os
