// A private directory for one check.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

namespace holdfast::tunnels {

/// Removes what commands that were killed left in the directory of their locks: scratch directories, with the ssh of a
/// check, and locks.
void remove_abandoned(const boost::filesystem::path& directory, os::Host& host);

/// A directory with mode 0700, removed with this object.
class ScratchDirectory {
 public:
  /// Below `parent`, which `owner` cannot write to. Only root can name another owner than itself.
  [[nodiscard]] static Result<ScratchDirectory> make(const boost::filesystem::path& parent, const os::User& owner,
                                                     os::Host& host);
  ScratchDirectory(ScratchDirectory&& other) noexcept;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();
  [[nodiscard]] const boost::filesystem::path& path() const noexcept { return path_; }

 private:
  ScratchDirectory(boost::filesystem::path path, os::Host& host) : path_(std::move(path)), host_(&host) {}
  boost::filesystem::path path_;
  os::Host* host_;
};

}  // namespace holdfast::tunnels
