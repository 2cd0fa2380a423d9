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
constexpr std::size_t k_most_unsent = 1 << 20;     // beyond it the server stops reading until the client reads
constexpr std::size_t k_most_running = 8;          // more calls wait
constexpr std::size_t k_largest_output = 4 << 20;  // of a child; the rest is discarded
constexpr std::chrono::seconds k_undo_timeout{30};

/// SIGCHLD and the termination signals as a descriptor for poll(2).
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
  /// The next pending signal, or 0.
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
  LineReader err_lines{k_longest_line};  ///< its stderr
};

class Server {
 public:
  Server(Session& session, const Endpoints& endpoints) : session_(session), endpoints_(endpoints) {}

  Result<ExitStatus> run() {
    if (signals_.descriptor() < 0) return errno_error("waiting for", "signals", errno);
    while (!is_over()) {
      poll_once();
      while (std::exchange(may_have_ended_, false)) collect_ended();
    }
    return status_;
  }

 private:
  [[nodiscard]] bool is_over() const {
    if (deadline_ && steady_clock::now() >= *deadline_) return true;
    return !reading_ && running_.empty() && waiting_.empty() && (unsent_.empty() || !client_reads_);
  }

  void poll_once();
  void read_input();
  void write_output();
  void read_output(CallId call);
  void on_signals();
  void collect_ended();
  void react(const Reaction& reaction);
  void start(const Start& start);
  void start_waiting();
  void cancel(CallId call);
  void shut_down();
  void stop_writing() {
    client_reads_ = false;
    unsent_.clear();
    shut_down();
  }
  void on_output(Running& running, CallId call, os::PipedChild::Stream stream);

  Session& session_;
  const Endpoints& endpoints_;
  Signals signals_;
  LineReader input_{k_longest_line};
  std::string unsent_;
  std::map<CallId, Running> running_;
  std::deque<Start> waiting_;
  bool reading_ = true;
  bool may_have_ended_ = false;  ///< a child may have ended; see PipedChild::exit_code()
  bool client_reads_ = true;
  std::optional<steady_clock::time_point> deadline_;  ///< of the shutdown
  ExitStatus status_ = ExitStatus::done;
};

void Server::poll_once() {
  std::vector<pollfd> watched{
      {signals_.descriptor(), POLLIN, 0},
      {reading_ && unsent_.size() < k_most_unsent ? endpoints_.in : -1, POLLIN, 0},
      // Also without output: POLLERR and POLLHUP report that the client no longer reads.
      {client_reads_ ? endpoints_.out : -1, static_cast<short>(unsent_.empty() ? 0 : POLLOUT), 0}};
  std::vector<CallId> calls;
  for (const auto& [call, running] : running_) {
    calls.push_back(call);
    watched.push_back({running.child.descriptor(os::PipedChild::out), POLLIN, 0});
    watched.push_back({running.child.descriptor(os::PipedChild::err), POLLIN, 0});
  }
  const auto left = deadline_ ? std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now())
                              : std::chrono::milliseconds(-1);
  const int timeout = deadline_ ? static_cast<int>(std::max<std::int64_t>(left.count(), 0)) : -1;
  if (::poll(watched.data(), watched.size(), timeout) <= 0) return;
  constexpr std::size_t k_fixed = 3;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (watched[k_fixed + 2 * i].revents != 0 || watched[k_fixed + 2 * i + 1].revents != 0) read_output(calls[i]);
  if (watched[0].revents != 0) on_signals();
  if (watched[1].revents != 0) read_input();
  if ((watched[2].revents & POLLOUT) != 0) write_output();
  if ((watched[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 && client_reads_) stop_writing();
}

void Server::read_input() {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(endpoints_.in, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  const auto on_line = [&](LineReader::Line line) {
    react(line.overlong ? session_.on_overlong_line(k_longest_line) : session_.on_line(line.text));
  };
  if (got > 0) return input_.feed({buffer.data(), static_cast<std::size_t>(got)}, on_line);
  reading_ = false;
  input_.finish(on_line);
}

void Server::write_output() {
  // The descriptor stays blocking, since other processes may share it. A ready pipe takes PIPE_BUF bytes at once.
  const ssize_t put = ::write(endpoints_.out, unsent_.data(), std::min<std::size_t>(unsent_.size(), PIPE_BUF));
  if (put > 0) unsent_.erase(0, static_cast<std::size_t>(put));
  if (put < 0 && errno != EINTR && errno != EAGAIN) stop_writing();
}

void Server::on_output(Running& running, CallId call, os::PipedChild::Stream stream) {
  const auto bytes = running.child.read(stream);
  auto& sink = stream == os::PipedChild::out ? running.completed.out : running.completed.err;
  if (sink.size() < k_largest_output) sink += bytes;
  if (stream == os::PipedChild::err)
    running.err_lines.feed(bytes, [&](LineReader::Line line) { react(session_.on_progress(call, line.text)); });
}

void Server::read_output(CallId call) {
  const auto found = running_.find(call);
  if (found == running_.end()) return;
  on_output(found->second, call, os::PipedChild::out);
  on_output(found->second, call, os::PipedChild::err);
}

void Server::on_signals() {
  while (const int number = signals_.next()) {
    if (number == SIGCHLD) continue;  // one signal may stand for several children
    if (number == SIGINT) status_ = ExitStatus::interrupted;
    // A second request: do not wait for the calls to undo their work.
    if (deadline_) deadline_ = steady_clock::now();
    shut_down();
  }
  collect_ended();
}

void Server::collect_ended() {
  std::vector<CallId> ended;
  for (auto& [call, running] : running_)
    if (running.child.exit_code()) ended.push_back(call);
  for (const auto call : ended) {
    read_output(call);  // the rest of its output
    auto node = running_.extract(call);
    auto& running = node.mapped();
    running.completed.exit_code = *running.child.exit_code();
    endpoints_.log(fmt::format("call {} exited with status {}", call, running.completed.exit_code));
    react(session_.on_done(call, std::move(running.completed)));
  }
  start_waiting();
}

void Server::react(const Reaction& reaction) {
  if (client_reads_)
    for (const auto& line : reaction.lines) unsent_.append(line).append("\n");
  for (const auto& start : reaction.starts) waiting_.push_back(start);
  for (const auto call : reaction.cancels) cancel(call);
  start_waiting();
}

void Server::start_waiting() {
  while (!deadline_ && !waiting_.empty() && running_.size() < k_most_running) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    start(next);
  }
}

void Server::start(const Start& start) {
  std::vector<std::string> argv{endpoints_.program.string()};
  argv.insert(argv.end(), start.arguments.begin(), start.arguments.end());
  endpoints_.log(fmt::format("call {} of {}", start.call, start.tool->name));
  auto child = os::PipedChild::start({std::move(argv)});
  if (!child) return react(session_.on_done(start.call, std::move(child).error()));
  running_.emplace(start.call, Running{std::move(*child), start.tool});
  may_have_ended_ = true;
}

void Server::cancel(CallId call) {
  if (const auto found = running_.find(call); found != running_.end()) {
    if (!found->second.tool->ignores_cancel) found->second.child.signal(SIGINT);
    return;
  }
  const auto waiting = std::ranges::find(waiting_, call, &Start::call);
  if (waiting == waiting_.end()) return;
  waiting_.erase(waiting);
  react(session_.on_done(call, Error{"", "interrupted", "", "", ExitStatus::interrupted}));
}

void Server::shut_down() {
  reading_ = false;
  if (deadline_) return;
  deadline_ = steady_clock::now() + k_undo_timeout;
  waiting_.clear();
  for (auto& [call, running] : running_) cancel(call);
}

}  // namespace

Result<ExitStatus> serve(Session& session, const Endpoints& endpoints) { return Server(session, endpoints).run(); }

}  // namespace holdfast::mcp
