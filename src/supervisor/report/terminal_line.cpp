#include "supervisor/report/terminal_line.hpp"

#include "core/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace holdfast::supervisor {

// Opened again: O_NONBLOCK on the inherited description would affect every process that shares it.
TerminalLine::TerminalLine()
    : terminal_(::isatty(STDOUT_FILENO) == 1 ? ::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                                             : -1) {}

TerminalLine::~TerminalLine() {
  if (terminal_ >= 0) ::close(terminal_);
}

void TerminalLine::show(WallTime at, std::string_view line) const {
  if (terminal_ < 0) return;
  const std::string text = to_rfc3339(at) + ' ' + printable(line) + "\r\n";
  // Lost output is also in the log.
  [[maybe_unused]] const auto written = ::write(terminal_, text.data(), text.size());
}

}  // namespace holdfast::supervisor
