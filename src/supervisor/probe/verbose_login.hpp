// Repeats a failed login with LogLevel=DEBUG1, which shows what ssh hides otherwise: the address that the name led to,
// the dates of a host certificate, the host key of the server, and the error of each address.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "store/paths.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// True when a verbose log explains the failure better. ssh offers no key then, so no bastion counts a refused login.
[[nodiscard]] bool needs_verbose_login(const Diagnosis& why) noexcept;

/// False when the second login ended for another reason than the first.
[[nodiscard]] bool explains_better(const Diagnosis& details, const Diagnosis& why) noexcept;

class VerboseLogin {
 public:
  /// Uses the files of the failback probe, which runs only while the tunnel is up.
  VerboseLogin(boost::asio::io_context& context, os::Host& host, const store::RuntimeFiles& files, ssh::Client client);
  ~VerboseLogin();
  VerboseLogin(const VerboseLogin&) = delete;
  VerboseLogin& operator=(const VerboseLogin&) = delete;

  /// `on_done` is called once: with ssh's output, or with nothing when ssh did not end within 2 s.
  void start(const Tunnel& tunnel, std::function<void(std::optional<ssh::SshOutput>)> on_done);
  /// Calls `on_done` now.
  void end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
