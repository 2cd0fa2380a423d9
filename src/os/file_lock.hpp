// An exclusive lock that ends with its process: flock(2) on a file in a node-local directory.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::os {

class FileLock {
 public:
  /// Takes the lock without waiting; empty when another process holds it. Creates the file 0600. A symbolic link is an
  /// Error.
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

/// True when a process holds the lock on `path`. Creates nothing; a missing file is not locked.
[[nodiscard]] bool is_locked(const boost::filesystem::path& path);

}  // namespace holdfast::os
