#include "cli/commands.hpp"
#include "cli/output/answers_json.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "store/history.hpp"
#include "tunnels/selection.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds k_follow_interval{200};
constexpr std::uint32_t k_most_lines = 100000;

/// Reads the lines appended to a file, also after the file was rotated.
class FollowedFile {
 public:
  explicit FollowedFile(boost::filesystem::path path) : path_(std::move(path)) {}
  ~FollowedFile() { close(); }
  FollowedFile(const FollowedFile&) = delete;
  FollowedFile& operator=(const FollowedFile&) = delete;

  void skip_to_end() {
    open();
    if (file_ >= 0) ::lseek(file_, 0, SEEK_END);
  }

  /// The lines that were completed since the last call.
  std::vector<std::string> read_new() {
    pending_ += read_open();
    if (!is_current()) {
      close();
      open();
      pending_ += read_open();
    }
    auto lines = split(pending_, '\n');
    pending_ = std::move(lines.back());
    lines.pop_back();
    if (pending_.size() > k_longest_wait) lines.push_back(std::exchange(pending_, {}));
    return lines;
  }

 private:
  void open() { file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }
  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }
  [[nodiscard]] bool is_current() const {
    struct stat held {
    }, named{};
    if (file_ < 0 || ::fstat(file_, &held) != 0) return false;
    if (::lstat(path_.c_str(), &named) != 0) return true;  // in the middle of a rotation
    return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
  }
  std::string read_open() const {
    std::string bytes;
    std::array<char, 8192> buffer{};
    for (ssize_t size = 0; file_ >= 0 && (size = ::read(file_, buffer.data(), buffer.size())) > 0;)
      bytes.append(buffer.data(), static_cast<std::size_t>(size));
    return bytes;
  }

  static constexpr std::size_t k_longest_wait = 64 * 1024;  // for the end of a line

  boost::filesystem::path path_;
  int file_ = -1;
  std::string pending_;
};

Result<std::size_t> line_count(const Arguments& arguments) {
  constexpr std::size_t k_default = 50;
  const auto text = arguments.one("lines");
  if (!text) return k_default;
  const auto number = parse_number(*text, 0, k_most_lines);
  if (!number) return usage_error("option --lines \"" + *text + "\"", "it is not a number from 0 to 100000");
  return *number;
}

Result<> check_readable(const boost::filesystem::path& file) {
  if (::access(file.c_str(), R_OK) == 0 || errno == ENOENT) return {};
  auto error = errno_error("reading", file.string(), errno);
  if (errno == EACCES && ::geteuid() != 0)
    error.hint = "use sudo: only root and the user of the tunnel can read its log";
  return error;
}

Result<ExitStatus> show_logs(Context& context, const Arguments& arguments) {
  auto& terminal = context.terminal;
  if (arguments.has("json") && arguments.has("follow"))
    return usage_error("option --json", "it cannot be combined with --follow");
  HOLDFAST_TRY(const auto count, line_count(arguments));
  HOLDFAST_TRY(const auto paths, choose_paths_to_read(arguments, context.host));
  if (arguments.operands().empty())
    return usage_error("the command line", "missing tunnel name", "holdfast status lists them");
  HOLDFAST_TRY(const auto names, tunnels::named_tunnels(arguments.operands(), context.host, paths));
  const auto file = paths.state_file(names.front(), "log");
  HOLDFAST_CHECK(check_readable(file));

  FollowedFile followed(file);
  if (arguments.has("follow"))
    followed.skip_to_end();  // before the last lines are read: a line may come twice, but none is lost
  const auto lines = store::Log::read(file, count);
  if (arguments.has("json")) {
    terminal.answer(log_json(names.front().text(), lines));
    return ExitStatus::done;
  }
  const auto print = [&](const std::vector<std::string>& printed) {
    for (const auto& line : printed) terminal.answer(log_line_text(printable(line), terminal.drawing()));
  };
  print(lines);
  if (lines.empty() && count > 0) terminal.note("tunnel " + names.front().text() + " has no log on this host yet");
  if (!arguments.has("follow")) return ExitStatus::done;
  while (terminal.flush() && Terminal::is_read()) {
    print(followed.read_new());
    context.host.sleep_for(k_follow_interval);
  }
  return ExitStatus::done;  // the reader has gone
}

}  // namespace

const Command& logs_command() {
  static const Command command{
      .name = "logs",
      .synopsis = "NAME [-f] [-n N] [--json]",
      .summary = "show the log of a tunnel's supervisor and ssh",
      .description = "The log is the same with every backend. Times are local on a terminal, else UTC.",
      .options = {{"follow,f", "", "print new lines until interrupted"},
                  {"lines,n", "N", "the last N lines; default: 50"},
                  {"json", "", "print the lines as JSON strings"}},
      .most_operands = 1,
      .operands = Values::tunnel,
      .run = show_logs};
  return command;
}

}  // namespace holdfast::cli
