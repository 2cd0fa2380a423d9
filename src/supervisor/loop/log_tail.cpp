#include "supervisor/loop/log_tail.hpp"

#include "core/text.hpp"
#include "os/append_file.hpp"

#include <unistd.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_read_limit = 64 * 1024;
constexpr std::size_t k_log_limit = 256 * 1024;  // a target that is down for months adds a line to it at each probe

}  // namespace

LogTail::LogTail(const os::Host& host, boost::filesystem::path file) : host_(host), file_(std::move(file)) {}

std::vector<std::string> LogTail::new_lines(Unfinished last) {
  const os::FileStatus status = host_.status(file_);
  if (status.kind != os::FileKind::regular || status.size == read_) return {};
  if (status.size < read_) read_ = 0;  // emptied by somebody
  const bool floods = status.size - read_ > k_read_limit;
  if (floods) read_ = status.size - k_read_limit;
  // From where the last call ended, and not "as much as is new, from the end": the writer does not wait for us.
  std::string text = os::read_from(file_, read_, k_read_limit);
  const bool is_one_line = text.size() == k_read_limit && text.find('\n') == std::string::npos;
  if (last == Unfinished::wait && !is_one_line) text.erase(text.rfind('\n') + 1);  // npos + 1 is 0
  read_ += text.size();
  if (floods && !is_one_line) text.erase(0, text.find('\n') + 1);  // the line that it begins in the middle of
  if (read_ > k_log_limit && ::truncate(file_.c_str(), 0) == 0) read_ = 0;
  std::vector<std::string> lines;
  for (auto& line : split(text, '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace holdfast::supervisor
