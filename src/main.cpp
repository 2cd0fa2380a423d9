// The only place where the real machine, the terminal and the command line meet.
#include "cli/dispatch.hpp"
#include "os/posix_host.hpp"

#include <fcntl.h>

#include <cerrno>
#include <csignal>

namespace {

/// Takes the places of standard descriptors that we were started without: the next file to be opened would stand there,
/// and what is said would be written into it. Opened the wrong way round, so that whoever writes an answer to a closed
/// standard output is still told that it did not arrive.
void fill_standard_descriptors() {
  for (int number = 0; number <= 2; ++number)
    if (::fcntl(number, F_GETFD) == -1 && errno == EBADF)
      (void)::open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY);  // the lowest free one: number
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  // A reader that goes away (`| head`) must not end a setup half-way; its answer is then nobody's.
  ::signal(SIGPIPE, SIG_IGN);
  const auto host = holdfast::os::make_posix_host();
  auto terminal = holdfast::cli::Terminal::of_process();
  return holdfast::cli::dispatch({argv + (argc > 0 ? 1 : 0), argv + argc}, *host, terminal);
}
