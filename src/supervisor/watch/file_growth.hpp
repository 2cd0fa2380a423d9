// Tells when a file grows. inotify(7).
#pragma once

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// Where no inotify instance is to be had (a user has 128 by default) it is told every 100 ms, grown or not.
class FileGrowthWatch {
 public:
  /// `file` must be there. `on_growth` is called later, once for a burst of writes.
  FileGrowthWatch(boost::asio::io_context& context, const boost::filesystem::path& file,
                  std::function<void()> on_growth);
  ~FileGrowthWatch();
  FileGrowthWatch(const FileGrowthWatch&) = delete;
  FileGrowthWatch& operator=(const FileGrowthWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
