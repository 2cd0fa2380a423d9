// An exclusive lock that dies with its holder: flock(2) on a file in a node-local directory.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::os {

class FileLock {
 public:
  /// Takes the lock without waiting. Holds nothing (an empty optional) when somebody else has it.
  /// The file is made 0600 and never removed by us while held; a symlink there is refused.
  [[nodiscard]] static Result<std::optional<FileLock>> try_take(const boost::filesystem::path& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

/// True when some process holds the lock on `path`. Takes nothing; a missing file is not held.
[[nodiscard]] bool is_locked(const boost::filesystem::path& path);

}  // namespace holdfast::os
