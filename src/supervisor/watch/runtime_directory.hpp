// Holds the tunnel's runtime directory, and reports its loss: an administrator, a Slurm epilog or systemd-tmpfiles may
// remove it under a running supervisor. inotify(7), flock(2).
#pragma once

#include "store/paths.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class RuntimeDirectory {
 public:
  /// Called from the context, after hold(). `on_loss`: the directory is another one, or the lock file is gone.
  /// `on_state_loss`: only the live state is gone.
  RuntimeDirectory(boost::asio::io_context& context, const store::RuntimeFiles& files, std::function<void()> on_loss,
                   std::function<void()> on_state_loss);
  ~RuntimeDirectory();
  RuntimeDirectory(const RuntimeDirectory&) = delete;
  RuntimeDirectory& operator=(const RuntimeDirectory&) = delete;

  /// Locks and watches the directory that has the path now. systemd-tmpfiles leaves a locked directory alone.
  void hold();
  /// Calls one of both at once if something is lost.
  void check();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
