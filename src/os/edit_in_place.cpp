#include "os/edit_in_place.hpp"

#include "os/posix_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::os {
namespace {

/// The bytes before `offset` are the file's already.
bool write_from(int file, std::size_t offset, std::string_view bytes) {
  return ::lseek(file, static_cast<off_t>(offset), SEEK_SET) >= 0 && write_all(file, bytes.substr(offset)) &&
         ::ftruncate(file, static_cast<off_t>(bytes.size())) == 0;
}

/// Fails before anything is changed. Not every file system can tell.
bool fits(int file, std::size_t size) {
  if (size == 0 || ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) == 0) return true;
  return errno == EOPNOTSUPP || errno == ENOSYS;
}

}  // namespace

Result<bool> edit_in_place(const boost::filesystem::path& path, const std::string& previous, std::string_view bytes) {
  const auto fail = [&] { return errno_error("writing", path.string(), errno); };
  const Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return fail();
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail();
  if (!S_ISREG(info.st_mode)) return false;
  const auto now = read_whole_file(path, previous.size());
  if (!now || *now != previous) return false;
  if (!fits(file.get(), bytes.size())) return fail();
  const auto shorter = std::min(previous.size(), bytes.size());
  const auto differs =
      std::mismatch(previous.begin(), previous.begin() + static_cast<std::ptrdiff_t>(shorter), bytes.begin());
  const auto same = static_cast<std::size_t>(differs.first - previous.begin());
  if (!write_from(file.get(), same, bytes) || ::fsync(file.get()) != 0) {
    const int error_number = errno;
    (void)write_from(file.get(), same, previous);
    return errno_error("writing", path.string(), error_number);
  }
  return true;
}

}  // namespace holdfast::os
