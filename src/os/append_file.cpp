#include "os/append_file.hpp"

#include "os/posix_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace holdfast::os {
namespace {

// O_NONBLOCK: opening a FIFO must not block.
constexpr int k_open_flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

std::string pread_all(int descriptor, std::size_t size, off_t offset) {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t part = ::pread(descriptor, bytes.data() + got, size - got, offset + static_cast<off_t>(got));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) break;
    got += static_cast<std::size_t>(part);
  }
  bytes.resize(got);
  return bytes;
}

std::size_t regular_size(int descriptor) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) : 0;
}

}  // namespace

boost::filesystem::path rotated(const boost::filesystem::path& path) { return path.native() + ".1"; }

Result<> append_line(const boost::filesystem::path& path, std::string_view line, std::size_t limit) {
  const auto fail = [&] { return errno_error("writing", path.string(), errno); };
  const int flags = O_RDWR | O_APPEND | O_CREAT | k_open_flags;
  Descriptor file(::open(path.c_str(), flags, 0600));
  if (!file) return fail();
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail();
  if (!S_ISREG(info.st_mode)) return Error{"writing", path.string(), "it is not a regular file", "remove it"};
  if (info.st_size > 0 && static_cast<std::size_t>(info.st_size) + line.size() + 1 > limit) {
    if (std::rename(path.c_str(), rotated(path).c_str()) != 0) return fail();
    file = Descriptor(::open(path.c_str(), flags, 0600));
    if (!file) return fail();
    info.st_size = 0;
  }
  std::string bytes;
  bytes.reserve(line.size() + 2);
  if (info.st_size > 0 && pread_all(file.get(), 1, info.st_size - 1) != "\n") bytes += '\n';
  bytes += line;
  bytes += '\n';
  ssize_t written = 0;
  do {
    written = ::write(file.get(), bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return fail();
  if (static_cast<std::size_t>(written) < bytes.size()) {  // a full disk; the next append completes the line
    errno = ENOSPC;
    return fail();
  }
  return {};
}

std::string read_from(const boost::filesystem::path& path, std::size_t offset, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | k_open_flags));
  const std::size_t size = file ? regular_size(file.get()) : 0;
  if (size <= offset) return {};
  return pread_all(file.get(), std::min(size - offset, limit), static_cast<off_t>(offset));
}

std::string read_tail(const boost::filesystem::path& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | k_open_flags));
  const std::size_t size = file ? regular_size(file.get()) : 0;
  if (size <= limit) return pread_all(file.get(), size, 0);
  std::string tail = pread_all(file.get(), limit, static_cast<off_t>(size - limit));
  const auto end_of_partial_line = tail.find('\n');
  tail.erase(0, end_of_partial_line == std::string::npos ? tail.size() : end_of_partial_line + 1);
  return tail;
}

}  // namespace holdfast::os
