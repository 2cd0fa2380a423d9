#include "supervisor/loop/log_tail.hpp"

#include "core/text.hpp"
#include "os/append_file.hpp"

#include <unistd.h>

#include <utility>

namespace holdfast::supervisor {

LogTail::LogTail(const os::Host& host, boost::filesystem::path file) : host_(host), file_(std::move(file)) {}

std::vector<std::string> LogTail::new_lines(Unfinished last) {
  const os::FileStatus status = host_.status(file_);
  if (status.kind != os::FileKind::regular || status.size == read_) return {};
  if (status.size < read_) read_ = 0;  // another program truncated it
  const bool skips = status.size - read_ > k_log_read_limit;
  if (skips) read_ = status.size - k_log_read_limit;
  // By offset from the start: the file may grow between status() and the read.
  std::string text = os::read_from(file_, read_, k_log_read_limit);
  const bool is_one_line = text.size() == k_log_read_limit && text.find('\n') == std::string::npos;
  if (last == Unfinished::wait && !is_one_line) text.erase(text.rfind('\n') + 1);  // npos + 1 is 0
  read_ += text.size();
  if (skips && !is_one_line) text.erase(0, text.find('\n') + 1);  // an incomplete first line
  if (read_ > k_log_size_limit && ::truncate(file_.c_str(), 0) == 0) read_ = 0;
  std::vector<std::string> lines;
  for (auto& line : split(text, '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

void append_recent(std::string& text, std::string_view line) {
  constexpr std::size_t k_limit = 16 * 1024;
  text.append(line) += '\n';
  if (text.size() > k_limit) text.erase(0, text.size() - k_limit);
}

}  // namespace holdfast::supervisor
