// Tells when the bastion can be reached again, without a login: one TCP connection to its ssh port every two seconds.
#pragma once

#include "core/forward.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// Watches for the edge only: it must have seen a connection fail before it tells of one that went through, so a
/// bastion that refuses for another reason is not asked in vain. After ten minutes every ten seconds.
class PathWatch {
 public:
  PathWatch(boost::asio::io_context& context, std::function<void()> on_back);
  ~PathWatch();
  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;

  /// `bastion` is numeric; the first try comes after the first interval.
  void start(const TcpEnd& bastion);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
