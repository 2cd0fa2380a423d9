#include "os/volatile_file.hpp"

#include "os/posix_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace holdfast::os {
namespace {

/// Uses the blocks that the file has already. A reader may see half of the new text.
bool overwrite(const fs::path& path, std::string_view bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) return false;
  const auto size = static_cast<off_t>(bytes.size());
  // Fails before anything is changed.
  if (size > 0 && ::fallocate(file.get(), 0, 0, size) != 0) return false;
  return write_all(file.get(), bytes) && ::ftruncate(file.get(), size) == 0;
}

}  // namespace

Result<> write_volatile(const fs::path& path, std::string_view bytes, mode_t mode) {
  auto replaced = write_file_atomically(path, bytes, mode, false);
  if (!replaced && overwrite(path, bytes)) return {};
  return replaced;
}

}  // namespace holdfast::os
