#include "mcp/server.hpp"

#include "mcp/line_reader.hpp"
#include "os/piped_child.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace holdfast::mcp {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t k_longest_line = 1 << 20;
constexpr std::size_t k_most_unread = 1 << 20;     // of our words; past it we stop listening until the client reads
constexpr std::size_t k_most_running = 8;          // the others wait their turn
constexpr std::size_t k_largest_output = 4 << 20;  // of a child; what is past it is read and dropped
constexpr std::chrono::seconds k_unwinding{30};

/// SIGCHLD and the requests to end, as something to poll for.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&wanted, number);
    ::pthread_sigmask(SIG_BLOCK, &wanted, &previous_);
    descriptor_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Signals() {
    if (descriptor_ >= 0) ::close(descriptor_);
    ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// 0 when there is none.
  [[nodiscard]] int next() const {
    signalfd_siginfo info{};
    return ::read(descriptor_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t previous_{};
  int descriptor_ = -1;
};

struct Running {
  os::PipedChild child;
  const Tool* tool;
  os::Completed completed = {};
  LineReader said{k_longest_line};  ///< on stderr
};

class Server {
 public:
  Server(Session& session, const Endpoints& endpoints) : session_(session), endpoints_(endpoints) {}

  Result<ExitStatus> run() {
    if (signals_.descriptor() < 0) return errno_error("listening for", "signals", errno);
    while (!is_over()) {
      turn();
      while (std::exchange(may_have_ended_, false)) look_for_the_ended();
    }
    return status_;
  }

 private:
  [[nodiscard]] bool is_over() const {
    if (leaving_ && steady_clock::now() >= *leaving_) return true;
    return !listening_ && running_.empty() && waiting_.empty() && (unread_.empty() || !reader_);
  }

  void turn();
  void hear();
  void speak();
  void listen_to(CallId call);
  void on_signals();
  void look_for_the_ended();
  void react(const Reaction& reaction);
  void start(const Start& start);
  void start_waiting();
  void cancel(CallId call);
  void leave();
  void lose_reader() {
    reader_ = false;
    unread_.clear();
    leave();
  }
  void on_words(Running& running, CallId call, os::PipedChild::Stream stream);

  Session& session_;
  const Endpoints& endpoints_;
  Signals signals_;
  LineReader heard_{k_longest_line};
  std::string unread_;
  std::map<CallId, Running> running_;
  std::deque<Start> waiting_;
  bool listening_ = true;
  bool may_have_ended_ = false;  ///< a child; see PipedChild::exit_code()
  bool reader_ = true;
  std::optional<steady_clock::time_point> leaving_;  ///< until when at the latest
  ExitStatus status_ = ExitStatus::done;
};

void Server::turn() {
  std::vector<pollfd> watched{{signals_.descriptor(), POLLIN, 0},
                              {listening_ && unread_.size() < k_most_unread ? endpoints_.in : -1, POLLIN, 0},
                              // Also with nothing to write: POLLERR and POLLHUP tell that nobody reads any more.
                              {reader_ ? endpoints_.out : -1, static_cast<short>(unread_.empty() ? 0 : POLLOUT), 0}};
  std::vector<CallId> calls;
  for (const auto& [call, running] : running_) {
    calls.push_back(call);
    watched.push_back({running.child.descriptor(os::PipedChild::out), POLLIN, 0});
    watched.push_back({running.child.descriptor(os::PipedChild::err), POLLIN, 0});
  }
  const auto remaining = leaving_ ? std::chrono::ceil<std::chrono::milliseconds>(*leaving_ - steady_clock::now())
                                  : std::chrono::milliseconds(-1);
  const int timeout = leaving_ ? static_cast<int>(std::max<std::int64_t>(remaining.count(), 0)) : -1;
  if (::poll(watched.data(), watched.size(), timeout) <= 0) return;
  constexpr std::size_t k_fixed = 3;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (watched[k_fixed + 2 * i].revents != 0 || watched[k_fixed + 2 * i + 1].revents != 0) listen_to(calls[i]);
  if (watched[0].revents != 0) on_signals();
  if (watched[1].revents != 0) hear();
  if ((watched[2].revents & POLLOUT) != 0) speak();
  if ((watched[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 && reader_) lose_reader();
}

void Server::hear() {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(endpoints_.in, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  const auto take = [&](LineReader::Line line) {
    react(line.overlong ? session_.on_overlong_line(k_longest_line) : session_.on_line(line.text));
  };
  if (got > 0) return heard_.feed({buffer.data(), static_cast<std::size_t>(got)}, take);
  listening_ = false;
  heard_.finish(take);
}

void Server::speak() {
  // The descriptor may be shared with the client's other children, so it is left blocking: no more at once than a pipe
  // that is ready surely takes.
  const ssize_t put = ::write(endpoints_.out, unread_.data(), std::min<std::size_t>(unread_.size(), PIPE_BUF));
  if (put > 0) unread_.erase(0, static_cast<std::size_t>(put));
  if (put < 0 && errno != EINTR && errno != EAGAIN) lose_reader();
}

void Server::on_words(Running& running, CallId call, os::PipedChild::Stream stream) {
  const auto bytes = running.child.read(stream);
  auto& sink = stream == os::PipedChild::out ? running.completed.out : running.completed.err;
  if (sink.size() < k_largest_output) sink += bytes;
  if (stream == os::PipedChild::err)
    running.said.feed(bytes, [&](LineReader::Line line) { react(session_.on_progress(call, line.text)); });
}

void Server::listen_to(CallId call) {
  const auto found = running_.find(call);
  if (found == running_.end()) return;
  on_words(found->second, call, os::PipedChild::out);
  on_words(found->second, call, os::PipedChild::err);
}

void Server::on_signals() {
  while (const int number = signals_.next()) {
    if (number == SIGCHLD) continue;  // one may stand for many
    if (number == SIGINT) status_ = ExitStatus::interrupted;
    // Asked twice: those that unwind do so without us.
    if (leaving_) leaving_ = steady_clock::now();
    leave();
  }
  look_for_the_ended();
}

void Server::look_for_the_ended() {
  std::vector<CallId> ended;
  for (auto& [call, running] : running_)
    if (running.child.exit_code()) ended.push_back(call);
  for (const auto call : ended) {
    listen_to(call);  // what already stands in the pipes is still its word
    auto node = running_.extract(call);
    auto& running = node.mapped();
    running.completed.exit_code = *running.child.exit_code();
    endpoints_.log(fmt::format("call {} has ended with {}", call, running.completed.exit_code));
    react(session_.on_done(call, std::move(running.completed)));
  }
  start_waiting();
}

void Server::react(const Reaction& reaction) {
  if (reader_)
    for (const auto& line : reaction.lines) unread_.append(line).append("\n");
  for (const auto& start : reaction.starts) waiting_.push_back(start);
  for (const auto call : reaction.cancels) cancel(call);
  start_waiting();
}

void Server::start_waiting() {
  while (!leaving_ && !waiting_.empty() && running_.size() < k_most_running) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    start(next);
  }
}

void Server::start(const Start& start) {
  std::vector<std::string> argv{endpoints_.program.string()};
  argv.insert(argv.end(), start.words.begin(), start.words.end());
  endpoints_.log(fmt::format("call {} of {}", start.call, start.tool->name));
  auto child = os::PipedChild::start({std::move(argv)});
  if (!child) return react(session_.on_done(start.call, std::move(child).error()));
  running_.emplace(start.call, Running{std::move(*child), start.tool});
  may_have_ended_ = true;
}

void Server::cancel(CallId call) {
  if (const auto found = running_.find(call); found != running_.end()) {
    if (!found->second.tool->goes_on_when_cancelled) found->second.child.signal(SIGINT);
    return;
  }
  const auto waits = std::ranges::find(waiting_, call, &Start::call);
  if (waits == waiting_.end()) return;
  waiting_.erase(waits);
  react(session_.on_done(call, Error{"", "interrupted", "", "", ExitStatus::interrupted}));
}

void Server::leave() {
  listening_ = false;
  if (leaving_) return;
  leaving_ = steady_clock::now() + k_unwinding;
  waiting_.clear();
  for (auto& [call, running] : running_) cancel(call);
}

}  // namespace

Result<ExitStatus> serve(Session& session, const Endpoints& endpoints) { return Server(session, endpoints).run(); }

}  // namespace holdfast::mcp
