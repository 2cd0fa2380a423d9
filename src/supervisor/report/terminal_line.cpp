#include "supervisor/report/terminal_line.hpp"

#include "core/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace holdfast::supervisor {

// Opened anew: O_NONBLOCK on the inherited description would be everybody's who shares it.
TerminalLine::TerminalLine()
    : terminal_(::isatty(STDOUT_FILENO) == 1 ? ::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                                             : -1) {}

TerminalLine::~TerminalLine() {
  if (terminal_ >= 0) ::close(terminal_);
}

void TerminalLine::show(WallTime at, std::string_view line) const {
  if (terminal_ < 0) return;
  const std::string text = to_rfc3339(at) + ' ' + printable(line) + "\r\n";
  // What does not fit is lost: the log has it too.
  [[maybe_unused]] const auto written = ::write(terminal_, text.data(), text.size());
}

}  // namespace holdfast::supervisor
