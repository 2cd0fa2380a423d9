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

  /// What to do with a last line whose end is not written yet.
  enum class Unfinished { wait, take };

  /// The lines since the last call, each once, without empty ones; of a flood the last ones. The file is emptied when
  /// it has grown beyond what anybody reads: its writer appends, and goes on at the new end.
  [[nodiscard]] std::vector<std::string> new_lines(Unfinished last = Unfinished::wait);

  void start_over() noexcept { read_ = 0; }  ///< the file is another one now

 private:
  const os::Host& host_;
  boost::filesystem::path file_;
  std::size_t read_ = 0;  ///< bytes that new_lines() is done with
};

}  // namespace holdfast::supervisor
