// Assembles lines from pieces of bytes, with a limit on their length. Private to mcp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::mcp {

class LineReader {
 public:
  struct Line {
    std::string_view text;  ///< without "\n" or "\r\n"; empty when overlong
    bool overlong = false;
  };

  explicit LineReader(std::size_t limit) : limit_(limit) {}

  /// Calls `on_line` with each line that `bytes` complete.
  template <class OnLine>
  void feed(std::string_view bytes, const OnLine& on_line) {
    for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      add(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
      finish_line(on_line);
    }
    add(bytes);
  }

  /// At the end of input: the rest is the last line.
  template <class OnLine>
  void finish(const OnLine& on_line) {
    if (!partial_.empty() || overlong_) finish_line(on_line);
  }

 private:
  void add(std::string_view bytes) {
    if (partial_.size() + bytes.size() > limit_) {
      overlong_ = true;
      partial_ = std::string();
    }
    if (!overlong_) partial_ += bytes;
  }

  template <class OnLine>
  void finish_line(const OnLine& on_line) {
    std::string line;
    line.swap(partial_);
    if (line.ends_with('\r')) line.pop_back();
    const bool overlong = overlong_;
    overlong_ = false;
    on_line(Line{line, overlong});
  }

  std::size_t limit_;
  std::string partial_;
  bool overlong_ = false;
};

}  // namespace holdfast::mcp
