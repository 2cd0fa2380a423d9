// One command at a time changes a tunnel: a lock by its name, in a private place of this host.
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
  /// Taken, or the Error that says that another command is at work on that tunnel. Makes the directory for it if need
  /// be; both go with the lock.
  [[nodiscard]] static Result<NameLock> take(const TunnelName& name, const store::Paths& paths, os::Host& host);
  /// The same for who has nothing to say when another command is at work: nothing is held then.
  [[nodiscard]] static Result<std::optional<NameLock>> try_take(const TunnelName& name, const store::Paths& paths,
                                                                os::Host& host);

  NameLock(NameLock&& other) noexcept;
  NameLock& operator=(NameLock&&) = delete;
  NameLock(const NameLock&) = delete;
  NameLock& operator=(const NameLock&) = delete;
  ~NameLock();

  /// The private directory (of ours in the user scope, of root's in the system scope) that it lies in.
  [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return directory_; }

 private:
  NameLock(os::Host& host, boost::filesystem::path directory, boost::filesystem::path file, os::FileLock lock);
  os::Host* host_;
  boost::filesystem::path directory_;
  boost::filesystem::path file_;
  os::FileLock lock_;
};

}  // namespace holdfast::tunnels
