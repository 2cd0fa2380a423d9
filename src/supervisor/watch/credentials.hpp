// Watches the files whose content decides whether a login works, while one failed because of them: a renewed
// certificate, another key or an added host key is followed by a login within seconds.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// True for a failure that another key, certificate or known_hosts file can end.
[[nodiscard]] bool depends_on_credentials(const Diagnosis& why) noexcept;

class CredentialWatch {
 public:
  /// `home`: of the user that ssh runs as. `on_change` is called five times in ten minutes at most: each call leads to
  /// a login, and no bastion shall ban this machine.
  CredentialWatch(boost::asio::io_context& context, boost::filesystem::path home, std::function<void()> on_change);
  ~CredentialWatch();
  CredentialWatch(const CredentialWatch&) = delete;
  CredentialWatch& operator=(const CredentialWatch&) = delete;

  /// Before an attempt: remembers how the files are now, and stops watching.
  void note(const Tunnel& tunnel);
  /// After an attempt that failed with `why`: reports the next change since note(). Idempotent for the same class.
  void start(const Diagnosis& why);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
