// A private directory for the length of a check.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

namespace holdfast::tunnels {

/// A directory that only its owner can look into, gone with this object.
class Scratch {
 public:
  /// Below `parent`, which is not the owner's to change. Another owner than ourselves takes root.
  [[nodiscard]] static Result<Scratch> make(const boost::filesystem::path& parent, const os::User& owner,
                                            os::Host& host);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  [[nodiscard]] const boost::filesystem::path& path() const noexcept { return path_; }

 private:
  Scratch(boost::filesystem::path path, os::Host& host) : path_(std::move(path)), host_(&host) {}
  boost::filesystem::path path_;
  os::Host* host_;
};

}  // namespace holdfast::tunnels
