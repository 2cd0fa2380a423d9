// The only place where the real machine, the terminal and the command line meet.
#include "cli/dispatch.hpp"
#include "os/posix_host.hpp"

#include <csignal>

int main(int argc, char** argv) {
  // A reader that goes away (`| head`) must not end a setup half-way; the failed write is told at the end.
  ::signal(SIGPIPE, SIG_IGN);
  const auto host = holdfast::os::make_posix_host();
  auto terminal = holdfast::cli::Terminal::of_process();
  return holdfast::cli::dispatch({argv + (argc > 0 ? 1 : 0), argv + argc}, *host, terminal);
}
