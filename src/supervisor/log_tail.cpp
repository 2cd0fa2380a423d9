#include "supervisor/log_tail.hpp"

#include "core/text.hpp"
#include "os/append_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_read_limit = 64 * 1024;
constexpr std::size_t k_log_limit = 256 * 1024;  // a target that is down for months adds a line to it at each probe

}  // namespace

LogTail::LogTail(const os::Host& host, boost::filesystem::path file) : host_(host), file_(std::move(file)) {}

std::vector<std::string> LogTail::new_lines() {
  const os::FileStatus status = host_.status(file_);
  if (status.kind != os::FileKind::regular || status.size <= read_) return {};
  const std::size_t fresh = status.size - read_;
  std::vector<std::string> lines;
  // One byte more, the line break before: a tail begins with a whole line.
  for (auto& line : split(os::read_tail(file_, std::min(fresh, k_read_limit) + 1), '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
  }
  read_ = status.size;
  if (read_ > k_log_limit && ::truncate(file_.c_str(), 0) == 0) read_ = 0;
  return lines;
}

}  // namespace holdfast::supervisor
