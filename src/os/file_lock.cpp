#include "os/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace holdfast::os {
namespace {

constexpr int k_attempts = 50;

/// 0.1 to 25 ms, one second in all. is_locked() holds a shared lock for a moment; on a busy machine the scheduler can
/// suspend it there for many milliseconds.
std::chrono::microseconds pause_after(int attempt) {
  return std::chrono::microseconds(std::min(100 << std::min(attempt, 8), 25'000));
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_take(const boost::filesystem::path& path) {
  // `remove` can unlink the file between open and flock: the lock counts only if the name still refers to this file.
  for (int attempt = 0; attempt < k_attempts; ++attempt) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
      if (errno == ELOOP) return Error{"locking", path.string(), "it is a symlink", "remove it"};
      return errno_error("locking", path.string(), errno);
    }
    FileLock lock(file);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return errno_error("locking", path.string(), errno);
      // A shared lock belongs to is_locked(), which is not a holder.
      if (::flock(file, LOCK_SH | LOCK_NB) != 0) return std::optional<FileLock>();
      std::this_thread::sleep_for(pause_after(attempt));
      continue;
    }
    struct stat held {
    }, named{};
    if (::fstat(file, &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
        held.st_dev == named.st_dev)
      return std::optional<FileLock>(std::move(lock));
  }
  return Error{"locking", path.string(), "other processes keep checking or replacing it", {}};
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool is_locked(const boost::filesystem::path& path) {
  const int file =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);  // opening a FIFO must not block
  if (file < 0) return false;
  const bool held = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return held;
}

}  // namespace holdfast::os
