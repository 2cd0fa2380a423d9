#include "os/process_id.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <limits>

namespace holdfast::os {
namespace {

std::optional<std::uint64_t> parse_start_time(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string format_process_id(const ProcessId& process) {
  return fmt::format("{} {} {} {}\n", process.pid, process.start_time, process.boot_id, process.host);
}

std::optional<ProcessId> parse_process_id(std::string_view text) {
  if (text.empty() || text.back() != '\n') return std::nullopt;
  text.remove_suffix(1);
  const auto fields = split(text, ' ');
  if (fields.size() != 4 || fields[2].empty() || fields[3].empty() || has_control_bytes(text)) return std::nullopt;
  // 1 is init; kill(2) treats 0 and negative numbers as process groups.
  const auto pid = parse_number(fields[0], 2, std::numeric_limits<std::int32_t>::max());
  const auto start_time = parse_start_time(fields[1]);
  if (!pid || !start_time) return std::nullopt;
  return ProcessId{static_cast<pid_t>(*pid), *start_time, fields[2], fields[3]};
}

pid_t thread_id() noexcept { return static_cast<pid_t>(::syscall(SYS_gettid)); }  // glibc 2.28 has no gettid()

}  // namespace holdfast::os
