#include "os/posix_files.hpp"

#include "os/edit_in_place.hpp"
#include "os/file_attributes.hpp"
#include "os/process_id.hpp"
#include "os/replace_file.hpp"
#include "os/unfinished_file.hpp"

#include <boost/filesystem/operations.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace holdfast::os {
namespace {

FileKind kind_of(mode_t mode) noexcept {
  if (S_ISREG(mode)) return FileKind::regular;
  if (S_ISDIR(mode)) return FileKind::directory;
  if (S_ISLNK(mode)) return FileKind::symlink;
  if (S_ISSOCK(mode)) return FileKind::socket;
  return FileKind::other;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

int Descriptor::release() noexcept {
  const int number = number_;
  number_ = -1;
  return number;
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<std::string> slurp(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  // Files in /proc report no size, and most are much smaller than the limit.
  std::string bytes;
  std::array<char, 8192> chunk;
  while (bytes.size() < limit) {
    const ssize_t got = ::read(file.get(), chunk.data(), std::min(chunk.size(), limit - bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    bytes.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

Result<std::string> read_whole_file(const fs::path& path, std::size_t limit) {
  // O_NONBLOCK: opening a FIFO must not block.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return errno_error("reading", path.string(), errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return errno_error("reading", path.string(), errno);
  if (!S_ISREG(info.st_mode))
    return Error{
        "reading", path.string(), S_ISDIR(info.st_mode) ? "it is a directory" : "it is not a regular file", {}};
  std::string bytes;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading", path.string(), errno);
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > limit)
      return Error{"reading", path.string(), "it is larger than " + std::to_string(limit) + " bytes", {}};
  }
}

FileStatus file_status(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  return FileStatus{kind_of(info.st_mode), info.st_mode & 07777U, info.st_uid, static_cast<std::uint64_t>(info.st_size),
                    info.st_gid};
}

std::vector<std::string> list_directory(const fs::path& directory) {
  std::vector<std::string> names;
  boost::system::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().native());
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

/// A temporary file next to `path` that replaces it, or is removed by the destructor.
class Temporary {
 public:
  /// `like`: an open file whose attributes it gets, if that is possible, instead of `mode`; -1: none.
  static Result<Temporary> write(const fs::path& path, std::string_view bytes, mode_t mode, int like, bool durable) {
    Temporary made(path);
    if (durable) remove_unfinished(path);
    ::unlink(made.name_.c_str());  // left by an earlier process with our thread id
    Descriptor file(::open(made.name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) {
      const int error_number = errno;
      made.name_.clear();
      return errno_error("writing", path.string(), error_number);
    }
    if (!write_all(file.get(), bytes)) return errno_error("writing", path.string(), errno);
    if (like >= 0)
      made.has_attributes_ = copy_attributes(like, file.get());
    else if (::fchmod(file.get(), mode) != 0)
      return errno_error("writing", path.string(), errno);
    if (durable && ::fsync(file.get()) != 0) return errno_error("writing", path.string(), errno);
    // NFS reports a full disk here.
    if (::close(file.release()) != 0) return errno_error("writing", path.string(), errno);
    return made;
  }
  Temporary(Temporary&& other) noexcept
      : path_(std::move(other.path_)), name_(std::exchange(other.name_, {})), has_attributes_(other.has_attributes_) {}
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  /// It has all attributes of `like`.
  [[nodiscard]] bool has_attributes() const noexcept { return has_attributes_; }

  Result<> become(bool durable) {
    if (::rename(name_.c_str(), path_.c_str()) != 0) return errno_error("writing", path_.string(), errno);
    name_.clear();
    if (durable) sync_directory();
    return {};
  }
  /// False when `path` exists by now.
  Result<bool> become_new() {
    if (::link(name_.c_str(), path_.c_str()) != 0) {
      if (errno == EEXIST) return false;
      // The file system has no hard links.
      HOLDFAST_CHECK(become(true));
      return true;
    }
    ::unlink(name_.c_str());
    name_.clear();
    sync_directory();
    return true;
  }

 private:
  explicit Temporary(const fs::path& path)
      : path_(path), name_(path.native() + std::string(k_unfinished) + std::to_string(thread_id())) {}
  void sync_directory() const {
    const Descriptor directory(::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) ::fsync(directory.get());  // may fail on some file systems; the rename is done in any case
  }
  fs::path path_;
  std::string name_;
  bool has_attributes_ = false;
};

}  // namespace

Result<> write_file_atomically(const fs::path& path, std::string_view bytes, mode_t mode, bool durable) {
  HOLDFAST_TRY(auto temporary, Temporary::write(path, bytes, mode, -1, durable));
  return temporary.become(durable);
}

Result<bool> replace_file(const fs::path& path, const std::optional<std::string>& previous, std::string_view bytes,
                          mode_t mode) {
  const auto before = file_status(path);
  if (!previous) {
    if (before.kind != FileKind::missing) return false;
    HOLDFAST_TRY(auto temporary, Temporary::write(path, bytes, mode, -1, true));
    return temporary.become_new();
  }
  const Descriptor old(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!old || ::fstat(old.get(), &info) != 0) return errno_error("writing", path.string(), errno);
  // A new file would be another one than the file's other names mean.
  if (info.st_nlink > 1) return edit_in_place(path, *previous, bytes);
  HOLDFAST_TRY(auto temporary, Temporary::write(path, bytes, before.mode, old.get(), true));
  if (!temporary.has_attributes()) return edit_in_place(path, *previous, bytes);
  // Checked only now, because writing and syncing take time.
  const auto now = file_status(path);
  if (now.kind != FileKind::regular || now.mode != before.mode || now.owner != before.owner) return false;
  const auto bytes_now = read_whole_file(path, previous->size());
  if (!bytes_now || *bytes_now != *previous) return false;
  HOLDFAST_CHECK(temporary.become(true));
  return true;
}

Result<fs::path> resolve_links(const fs::path& path) {
  boost::system::error_code error;
  auto resolved = fs::canonical(path, error);
  if (error) return errno_error("finding", path.string(), error.value());
  return resolved;
}

Result<std::vector<fs::path>> make_missing_directories(const fs::path& directory, mode_t mode) {
  std::vector<fs::path> missing;
  for (fs::path at = directory; !at.empty(); at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode))
        return Error{"making directory", directory.string(), at.string() + " is not a directory", {}};
      break;
    }
    if (errno != ENOENT) return errno_error("making directory", directory.string(), errno);
    missing.push_back(at);
  }
  std::reverse(missing.begin(), missing.end());
  for (std::size_t made = 0; made < missing.size(); ++made) {
    // chmod, because mkdir applies the umask.
    if (::mkdir(missing[made].c_str(), mode) == 0) {
      if (::chmod(missing[made].c_str(), mode) == 0) continue;
    } else if (errno == EEXIST) {
      continue;
    }
    const int error_number = errno;
    while (made-- > 0) ::rmdir(missing[made].c_str());
    return errno_error("making directory", directory.string(), error_number);
  }
  return missing;
}

Result<> remove_directory_tree(const fs::path& directory) {
  const auto status = file_status(directory);
  if (status.kind == FileKind::missing) return {};
  if (status.kind != FileKind::directory) return Error{"removing", directory.string(), "it is not a directory", {}};
  // Since 1.79 Boost uses openat(2) and unlinkat(2). That is safe even if the owner replaces a part of the tree by a
  // link while root removes it (CVE-2022-21658).
  boost::system::error_code error;
  fs::remove_all(directory, error);
  if (error) return errno_error("removing", directory.string(), error.value());
  return {};
}

}  // namespace holdfast::os
