// Bytes in, lines out, however they were cut; a line without end costs no more than its limit. Private to mcp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::mcp {

class LineReader {
 public:
  struct Line {
    std::string_view text;  ///< without its end, "\n" or "\r\n"; empty when overlong
    bool overlong = false;
  };

  explicit LineReader(std::size_t limit) : limit_(limit) {}

  /// Calls `take` with each line that `bytes` complete.
  template <class Take>
  void feed(std::string_view bytes, const Take& take) {
    for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      add(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
      finish_line(take);
    }
    add(bytes);
  }

  /// What stands there without a line's end is the last one.
  template <class Take>
  void finish(const Take& take) {
    if (!held_.empty() || overlong_) finish_line(take);
  }

 private:
  void add(std::string_view bytes) {
    if (held_.size() + bytes.size() > limit_) {
      overlong_ = true;
      held_ = std::string();
    }
    if (!overlong_) held_ += bytes;
  }

  template <class Take>
  void finish_line(const Take& take) {
    std::string line;
    line.swap(held_);
    if (line.ends_with('\r')) line.pop_back();
    const bool overlong = overlong_;
    overlong_ = false;
    take(Line{line, overlong});
  }

  std::size_t limit_;
  std::string held_;
  bool overlong_ = false;
};

}  // namespace holdfast::mcp
