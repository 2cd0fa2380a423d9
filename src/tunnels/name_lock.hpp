// A lock by a tunnel's name, in a private directory of this host: one command at a time changes a tunnel.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/file_lock.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::tunnels {

class NameLock {
 public:
  /// Fails at once when another command has the lock. Makes the directory if it is missing; file and directory are
  /// removed with the lock.
  [[nodiscard]] static Result<NameLock> take(const TunnelName& name, const store::Paths& paths, os::Host& host);
  /// The same, with nothing in place of an Error when another command has the lock.
  [[nodiscard]] static Result<std::optional<NameLock>> try_take(const TunnelName& name, const store::Paths& paths,
                                                                os::Host& host);

  NameLock(NameLock&& other) noexcept;
  NameLock& operator=(NameLock&&) = delete;
  NameLock(const NameLock&) = delete;
  NameLock& operator=(const NameLock&) = delete;
  ~NameLock();

  /// The private directory of the lock file: ours in the user scope, root's in the system scope.
  [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return directory_; }

 private:
  NameLock(os::Host& host, boost::filesystem::path directory, boost::filesystem::path file, os::FileLock lock);
  os::Host* host_;
  boost::filesystem::path directory_;
  boost::filesystem::path file_;
  os::FileLock lock_;
};

}  // namespace holdfast::tunnels
