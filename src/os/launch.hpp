// Helpers for starting child processes with Boost.Process v2. Private to os, because the headers are large.
#pragma once

#include "os/spawn.hpp"

#include <boost/asio/detail/throw_error.hpp>  // which Process v2 1.81 uses and does not include

#include <boost/process/v2/process.hpp>
#include <boost/process/v2/start_dir.hpp>
#include <boost/process/v2/stdio.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace holdfast::os {

/// An initializer for Process v2, which applies the setup in the child.
struct ChildHygiene {
  ChildSetup setup;

  template <class Launcher, class Path>
  boost::system::error_code on_exec_setup(Launcher&, const Path&, const char* const*(&)) {
    setup.apply();
    return {};
  }
  /// Process v2 1.81 calls exit() here, which would flush the parent's stdio buffers again.
  template <class... Anything>
  void on_exec_error(Anything&&...) {
    ::_exit(127);
  }
};

/// Reaps the zombie that Process v2 1.81 leaves when a start fails after fork.
inline void reap_failed_start(int pid) noexcept {
  if (pid > 0) ::waitpid(pid, nullptr, 0);
}

/// The arguments after argv[0], which Process v2 takes separately.
[[nodiscard]] inline std::vector<std::string> tail(const std::vector<std::string>& argv) {
  return {argv.begin() + (argv.empty() ? 0 : 1), argv.end()};
}

}  // namespace holdfast::os
