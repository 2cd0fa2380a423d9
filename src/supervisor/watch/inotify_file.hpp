// Reports that a socket appears or that a file grows, with inotify(7).
#pragma once

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// Polls if the user has no inotify instance left (the default limit is 128).
class InotifyFile {
 public:
  enum class Change {
    appears,  ///< A socket exists at that path: ssh's control socket, so ssh is logged in. Reported once.
    grows,    ///< The file, which must exist, was written to. One report for a burst of writes; each poll reports.
  };

  /// Calls `on_change` from `context`, never from the constructor, also for a socket that exists already.
  InotifyFile(boost::asio::io_context& context, const boost::filesystem::path& file, Change change,
              std::function<void()> on_change);
  ~InotifyFile();
  InotifyFile(const InotifyFile&) = delete;
  InotifyFile& operator=(const InotifyFile&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
