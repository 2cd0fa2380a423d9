#include "tunnels/name_lock.hpp"

#include "tunnels/own_directories.hpp"

#include <utility>

namespace holdfast::tunnels {
namespace {

Result<boost::filesystem::path> lock_directory(const store::Paths& paths, os::Host& host) {
  if (paths.scope == Scope::user) {
    HOLDFAST_CHECK(require_own_directories(paths, host));
    // Cron, a login and systemd must find the same one: never that in XDG_RUNTIME_DIR.
    std::vector<std::string> passed_over;
    return store::choose_runtime_directory(host, false, passed_over);
  }
  if (host.user().uid != 0)
    return Error{"changing", "a tunnel of the system scope", "only root can", "use sudo, or leave --system out"};
  const boost::filesystem::path directory = "/run/holdfast";
  HOLDFAST_CHECK(host.make_directories(directory, 0755));
  const auto status = host.status(directory);
  if (status.kind == os::FileKind::directory && status.owner == 0 && (status.mode & 0022) == 0) return directory;
  return Error{"using", directory.string(), "it is not a directory that root alone may write to", "remove it"};
}

}  // namespace

NameLock::NameLock(os::Host& host, boost::filesystem::path directory, boost::filesystem::path file, os::FileLock lock)
    : host_(&host), directory_(std::move(directory)), file_(std::move(file)), lock_(std::move(lock)) {}

NameLock::NameLock(NameLock&& other) noexcept
    : host_(std::exchange(other.host_, nullptr)),
      directory_(std::move(other.directory_)),
      file_(std::move(other.file_)),
      lock_(std::move(other.lock_)) {}

NameLock::~NameLock() {
  if (host_ == nullptr) return;
  (void)host_->remove_file(file_);  // while it is locked: another command that opened it sees that it is gone
  (void)host_->remove_empty_directory(directory_);
}

Result<NameLock> NameLock::take(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  HOLDFAST_TRY(auto lock, try_take(name, paths, host));
  if (lock) return std::move(*lock);
  return Error{"changing", "tunnel " + name.text(), "another command is changing it",
               "wait until that command ends, then try again"};
}

Result<std::optional<NameLock>> NameLock::try_take(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  constexpr int k_tries = 5;
  for (int attempt = 1;; ++attempt) {
    HOLDFAST_TRY(const auto directory, lock_directory(paths, host));
    // No name of a tunnel begins with a dot, so this is no file of another tunnel.
    const auto file = directory / ("." + name.text() + ".setup.lock");
    auto lock = os::FileLock::try_take(file);
    if (!lock) {
      // Another command may have removed the empty directory when it ended.
      const bool vanished = host.status(directory).kind == os::FileKind::missing;
      if (vanished && attempt < k_tries) continue;
      return std::move(lock).error();
    }
    if (!*lock) return std::optional<NameLock>();
    return std::optional(NameLock(host, directory, file, std::move(**lock)));
  }
}

}  // namespace holdfast::tunnels
