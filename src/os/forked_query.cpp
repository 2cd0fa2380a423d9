#include "os/forked_query.hpp"

#include "os/posix_files.hpp"
#include "os/posix_processes.hpp"
#include "os/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace holdfast::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds k_reap_limit{50};  // for the exit of a killed child

[[noreturn]] void answer_and_end(const ForkedQuery& query, int descriptor) noexcept {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // a handler of Asio would write to a pipe of the parent
  kill_commands_with_us();
  bool answered = false;
  try {
    // The "." at the end marks a complete answer.
    answered = write_all(descriptor, query() + '.');
  } catch (...) {  // reported by the missing answer
  }
  // Not exit(): it would flush the parent's buffers and run its handlers.
  ::_exit(answered ? 0 : 1);
}

class RunningQuery {
 public:
  explicit RunningQuery(const ForkedQuery& query) {
    auto lock = lock_forks();
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    reader_ = Descriptor(ends[0]);
    Descriptor writer(ends[1]);
    child_ = ::fork();
    if (child_ == 0) {
      lock.unlock();
      answer_and_end(query, writer.get());
    }
    if (child_ < 0) reader_ = Descriptor();
  }
  RunningQuery(RunningQuery&&) = default;
  RunningQuery& operator=(RunningQuery&&) = delete;

  [[nodiscard]] pollfd descriptor() const { return {reader_.get(), POLLIN, 0}; }
  [[nodiscard]] bool is_open() const { return static_cast<bool>(reader_); }

  void read() {
    std::array<char, 4096> chunk;
    const ssize_t got = ::read(reader_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) return;
    if (got > 0)
      answer_.append(chunk.data(), static_cast<std::size_t>(got));
    else
      reader_ = Descriptor();  // end of file: the child has ended or is about to
  }

  /// Ends the child if it is still running, and returns its answer.
  std::optional<std::string> finish() {
    if (child_ > 0) reap();
    if (is_open() || !answer_.ends_with('.')) return std::nullopt;
    answer_.pop_back();
    return std::move(answer_);
  }

 private:
  void reap() const {
    if (!is_open()) {
      ::waitpid(child_, nullptr, 0);
      return;
    }
    ::kill(child_, SIGKILL);
    const auto end = steady_clock::now() + k_reap_limit;
    while (::waitpid(child_, nullptr, WNOHANG) == 0 && steady_clock::now() < end) ::usleep(1000);
  }

  pid_t child_ = -1;
  Descriptor reader_;
  std::string answer_;
};

}  // namespace

std::vector<std::optional<std::string>> run_forked_queries(std::span<const ForkedQuery> queries,
                                                           milliseconds deadline) {
  const auto end = steady_clock::now() + deadline;
  std::vector<RunningQuery> running;
  running.reserve(queries.size());
  for (const auto& query : queries) running.emplace_back(query);
  while (std::ranges::any_of(running, &RunningQuery::is_open)) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    if (left.count() <= 0) break;
    std::vector<pollfd> descriptors;
    descriptors.reserve(running.size());
    for (const auto& query : running) descriptors.push_back(query.descriptor());  // poll(2) ignores -1
    if (::poll(descriptors.data(), descriptors.size(), static_cast<int>(left.count())) <= 0) continue;
    for (std::size_t i = 0; i < running.size(); ++i)
      if (descriptors[i].revents != 0) running[i].read();
  }
  std::vector<std::optional<std::string>> answers;
  answers.reserve(running.size());
  for (auto& query : running) answers.push_back(query.finish());
  return answers;
}

}  // namespace holdfast::os
