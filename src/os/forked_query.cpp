#include "os/forked_query.hpp"

#include "os/posix_files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>

namespace holdfast::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds k_burial{50};  // how long a killed child is waited for

[[noreturn]] void answer_and_end(const ForkedQuery& query, int descriptor) noexcept {
  ::signal(SIGPIPE, SIG_IGN);
  bool answered = false;
  try {
    // The mark at the end tells a whole answer from one that was cut off.
    answered = write_all(descriptor, query() + '.');
  } catch (...) {  // told by the missing answer
  }
  // Not exit(): the parent's buffers and handlers are its own.
  ::_exit(answered ? 0 : 1);
}

/// A child that another thread forks meanwhile would hold this pipe's end open for as long as it lives: fork(2) without
/// exec knows no O_CLOEXEC.
std::mutex& forking() {
  static std::mutex k_mutex;
  return k_mutex;
}

class Asked {
 public:
  explicit Asked(const ForkedQuery& query) {
    const std::lock_guard alone(forking());
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    reader_ = Descriptor(ends[0]);
    Descriptor writer(ends[1]);
    child_ = ::fork();
    if (child_ == 0) answer_and_end(query, writer.get());
    if (child_ < 0) reader_ = Descriptor();
  }
  Asked(Asked&&) = default;
  Asked& operator=(Asked&&) = delete;

  [[nodiscard]] pollfd descriptor() const { return {reader_.get(), POLLIN, 0}; }
  [[nodiscard]] bool is_open() const { return static_cast<bool>(reader_); }

  void read() {
    std::array<char, 4096> chunk;
    const ssize_t got = ::read(reader_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) return;
    if (got > 0)
      said_.append(chunk.data(), static_cast<std::size_t>(got));
    else
      reader_ = Descriptor();  // its end: the child has ended, or is about to
  }

  /// Ends the child if it has not ended, and gives what it said.
  std::optional<std::string> finish() {
    if (child_ > 0) reap();
    if (is_open() || !said_.ends_with('.')) return std::nullopt;
    said_.pop_back();
    return std::move(said_);
  }

 private:
  void reap() const {
    if (!is_open()) {
      ::waitpid(child_, nullptr, 0);
      return;
    }
    ::kill(child_, SIGKILL);
    const auto end = steady_clock::now() + k_burial;
    while (::waitpid(child_, nullptr, WNOHANG) == 0 && steady_clock::now() < end) ::usleep(1000);
  }

  pid_t child_ = -1;
  Descriptor reader_;
  std::string said_;
};

}  // namespace

std::vector<std::optional<std::string>> run_forked_queries(std::span<const ForkedQuery> queries,
                                                           milliseconds deadline) {
  const auto end = steady_clock::now() + deadline;
  std::vector<Asked> asked;
  asked.reserve(queries.size());
  for (const auto& query : queries) asked.emplace_back(query);
  while (std::ranges::any_of(asked, &Asked::is_open)) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    if (left.count() <= 0) break;
    std::vector<pollfd> waited;
    waited.reserve(asked.size());
    for (const auto& one : asked) waited.push_back(one.descriptor());  // poll(2) passes over those of -1
    if (::poll(waited.data(), waited.size(), static_cast<int>(left.count())) <= 0) continue;
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (waited[i].revents != 0) asked[i].read();
  }
  std::vector<std::optional<std::string>> answers;
  answers.reserve(asked.size());
  for (auto& one : asked) answers.push_back(one.finish());
  return answers;
}

}  // namespace holdfast::os
