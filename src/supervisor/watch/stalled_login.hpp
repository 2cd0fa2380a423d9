// Explains a login that makes no progress: ssh waits without end for an agent that does not answer, and starts one ssh
// after the other when the jump hosts lead back to each other.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class StalledLogin {
 public:
  /// `on_cause` is called once for each login at most.
  StalledLogin(boost::asio::io_context& context, os::Host& host, ssh::Client client,
               std::function<void(Diagnosis)> on_cause);
  ~StalledLogin();
  StalledLogin(const StalledLogin&) = delete;
  StalledLogin& operator=(const StalledLogin&) = delete;

  /// A login begins. If it is not over after 1 s, its route is read, with `ssh -G`, and its agents get 5 s to answer.
  void start(const Tunnel& tunnel);
  /// The login is over.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
