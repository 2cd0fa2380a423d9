// The tunnel's status on the supervisor's own terminal, for example in a tmux or screen session.
#pragma once

#include "core/timestamp.hpp"

#include <string_view>

namespace holdfast::supervisor {

class TerminalLine {
 public:
  TerminalLine();
  TerminalLine(const TerminalLine&) = delete;
  TerminalLine& operator=(const TerminalLine&) = delete;
  ~TerminalLine();
  /// One line with the time, if standard output is a terminal. Never blocks, not even after Ctrl-S.
  void show(WallTime at, std::string_view line) const;

 private:
  int terminal_;
};

}  // namespace holdfast::supervisor
