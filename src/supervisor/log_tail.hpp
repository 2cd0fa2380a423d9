// What a program appends to its log, line by line as it comes.
#pragma once

#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace holdfast::supervisor {

class LogTail {
 public:
  LogTail(const os::Host& host, boost::filesystem::path file);

  /// The lines since the last call, without empty ones. The file is emptied when it has grown beyond what anybody
  /// reads: its writer appends, and goes on at the new end.
  [[nodiscard]] std::vector<std::string> new_lines();

  void start_over() noexcept { read_ = 0; }  ///< the file is another one now

 private:
  const os::Host& host_;
  boost::filesystem::path file_;
  std::size_t read_ = 0;  ///< bytes that new_lines() has given
};

}  // namespace holdfast::supervisor
