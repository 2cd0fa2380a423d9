// How the tunnel is, on the terminal that the supervisor runs on (a tmux or screen session, a person's own).
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
  /// One line, with the time; nothing where standard output is no terminal. Never waits: a terminal that takes nothing
  /// (somebody pressed Ctrl-S) must not hold the tunnel up.
  void show(WallTime at, std::string_view line) const;

 private:
  int terminal_;
};

}  // namespace holdfast::supervisor
