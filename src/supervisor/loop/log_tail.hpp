// Reads what a program appends to its log file, line by line.
#pragma once

#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::supervisor {

/// How much of a log is read at once, and how large it may grow before it is emptied: a target that is down for months
/// adds a line at each probe.
inline constexpr std::size_t k_log_read_limit = 64 * 1024;
inline constexpr std::size_t k_log_size_limit = 256 * 1024;

class LogTail {
 public:
  LogTail(const os::Host& host, boost::filesystem::path file);

  /// Whether to wait for the rest of a last line that has no line break yet, or to read it.
  enum class Unfinished { wait, read };

  /// The lines since the last call, each once, without empty ones; only the last k_log_read_limit bytes of them.
  /// Empties the file when it is too large: its writer appends and continues at the new end.
  [[nodiscard]] std::vector<std::string> new_lines(Unfinished last = Unfinished::wait);

  void start_over() noexcept { read_ = 0; }  ///< The file was replaced.

 private:
  const os::Host& host_;
  boost::filesystem::path file_;
  std::size_t read_ = 0;  ///< Bytes that new_lines() returned.
};

/// Appends `line` and a line break; drops the oldest bytes beyond 16 KiB.
void append_recent(std::string& text, std::string_view line);

/// The last lines since take().
class RecentLines {
 public:
  void add(std::string_view line) { append_recent(text_, line); }
  [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

}  // namespace holdfast::supervisor
