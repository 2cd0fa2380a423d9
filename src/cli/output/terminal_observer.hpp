// Prints the steps of an operation; Ctrl-C cancels it.
#pragma once

#include "cli/output/terminal.hpp"
#include "tunnels/observer.hpp"

namespace holdfast::cli {

/// is_cancelled() needs a live Interruption (cli/interruption.hpp).
class TerminalObserver final : public tunnels::Observer {
 public:
  explicit TerminalObserver(Terminal& terminal) : terminal_(terminal) {}

  void step_done(std::string_view what, std::string_view figure) override { terminal_.step_done(what, figure); }
  void step_warned(std::string_view what, std::string_view reason) override { terminal_.step_warned(what, reason); }
  void step_failed(std::string_view what) override { terminal_.step_failed(what); }
  void note(std::string_view line) override { terminal_.note(line); }
  void detail(std::string_view line) override { terminal_.detail(line); }
  void warn(std::string_view line) override { terminal_.warn(line); }
  [[nodiscard]] bool is_cancelled() const override;

 private:
  Terminal& terminal_;
};

}  // namespace holdfast::cli
