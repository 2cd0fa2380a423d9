// Tells when a file appears in a directory: ssh's control socket, which means that ssh is logged in. inotify(7).
#pragma once

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// Where no inotify instance is to be had (a user has 128 by default) the directory is looked at every 25 ms.
class ControlSocketWatch {
 public:
  /// `on_appeared` is called once, later; also for a file that is there already.
  ControlSocketWatch(boost::asio::io_context& context, const boost::filesystem::path& file,
                     std::function<void()> on_appeared);
  ~ControlSocketWatch();
  ControlSocketWatch(const ControlSocketWatch&) = delete;
  ControlSocketWatch& operator=(const ControlSocketWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
