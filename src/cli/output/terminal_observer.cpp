#include "cli/output/terminal_observer.hpp"

#include "cli/interruption.hpp"

namespace holdfast::cli {

bool TerminalObserver::is_cancelled() const { return Interruption::is_requested(); }

}  // namespace holdfast::cli
