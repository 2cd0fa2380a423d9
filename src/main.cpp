// Connects the command line with the real host and terminal.
#include "cli/dispatch.hpp"
#include "os/posix_host.hpp"
#include "os/replace_process.hpp"

#include <fcntl.h>

#include <cerrno>

namespace {

/// Opens /dev/null for each closed standard descriptor. Otherwise the next file that is opened would get its number,
/// and our output would be written into it. The access modes are swapped, so that writing to a closed standard output
/// fails. A program that replaces holdfast gets them closed again.
void fill_standard_descriptors() {
  for (int number = 0; number <= 2; ++number)
    if (::fcntl(number, F_GETFD) == -1 && errno == EBADF)
      (void)::open("/dev/null", (number == 0 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);  // the lowest free one: number
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  // A reader that closes the pipe (`| head`) must not end a setup half-way.
  holdfast::os::ignore_broken_pipes();
  const auto host = holdfast::os::make_posix_host();
  auto terminal = holdfast::cli::Terminal::of_process();
  return holdfast::cli::dispatch({argv + (argc > 0 ? 1 : 0), argv + argc}, *host, terminal);
}
