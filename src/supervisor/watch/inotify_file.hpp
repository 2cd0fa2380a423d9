// Reports that a file appears or grows. inotify(7).
#pragma once

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// Without an inotify instance (a user has 128 by default) it polls.
class InotifyFile {
 public:
  enum class Change {
    appears,  ///< A socket exists at that path: ssh's control socket, so ssh is logged in. Reported once.
    grows,    ///< The file, which must exist, was written to. Reported once for a burst of writes, or at each poll.
  };

  /// `on_change` is called later, also for a socket that exists already.
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
