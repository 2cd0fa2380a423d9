// Does a forward's target on this side accept connections?
#pragma once

#include "core/forward.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class LocalTarget {
 public:
  explicit LocalTarget(boost::asio::io_context& context);
  ~LocalTarget();
  LocalTarget(const LocalTarget&) = delete;
  LocalTarget& operator=(const LocalTarget&) = delete;

  /// `on_answer(true)` when it accepts within a second, on any address of "localhost". A host name counts as accepting:
  /// this static program has no resolver. ssh has one, and closes the channel at once when such a target is down.
  void connect(const End& target, std::function<void(bool)> on_answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
