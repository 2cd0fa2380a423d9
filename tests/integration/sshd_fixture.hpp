// A private bastion: a real sshd on a free loopback port, with its own keys, settings and log; ends with the object.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct SshdSettings {
  std::vector<std::string> config = {};  ///< lines of sshd_config; they come first and win
  std::string key_options = {};          ///< of the line in authorized_keys: "restrict,port-forwarding"
};

/// Accepts the user who runs the test, with identity(). Throws when sshd does not start.
class SshdFixture {
 public:
  explicit SshdFixture(const SshdSettings& settings = {});
  ~SshdFixture();
  SshdFixture(const SshdFixture&) = delete;
  SshdFixture& operator=(const SshdFixture&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return directory_; }  ///< mode 0700
  [[nodiscard]] boost::filesystem::path identity() const { return directory_ / "id"; }
  [[nodiscard]] boost::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }
  [[nodiscard]] const std::string& fingerprint() const noexcept {
    return fingerprint_;
  }                                           ///< "SHA256:…" of its host key
  [[nodiscard]] std::string bastion() const;  ///< "user@127.0.0.1:PORT"
  [[nodiscard]] std::string log() const;

  /// A valid tunnel to it, with its identity and known host key, and all files under directory().
  [[nodiscard]] holdfast::TunnelSpec spec(const std::vector<std::string>& forwards) const;
  [[nodiscard]] holdfast::Tunnel tunnel(const std::vector<std::string>& forwards) const;

  void stop();   ///< ends the listener and every session
  void start();  ///< starts again on the same port
  void configure(std::vector<std::string> lines) { config_ = std::move(lines); }  ///< SshdSettings::config from start()
  void drop_sessions();  ///< ends every session but not the listener

  [[nodiscard]] holdfast::os::Host& host() noexcept { return *host_; }

 private:
  void make_key(const boost::filesystem::path& file) const;
  [[nodiscard]] std::string say(const std::vector<std::string>& argv) const;
  [[nodiscard]] bool listens_within(std::chrono::milliseconds span) const;

  std::unique_ptr<holdfast::os::Host> host_;
  boost::filesystem::path directory_;
  std::vector<std::string> config_;
  std::string user_;
  std::string fingerprint_;
  std::uint16_t port_ = 0;
  holdfast::os::ProcessId listener_;
};

/// A port of 127.0.0.1 that is free at this moment.
[[nodiscard]] std::uint16_t free_port();

/// Polls until `condition` is true; false after `span`.
template <class Condition>
bool eventually(const holdfast::os::Host& host, Condition condition,
                std::chrono::milliseconds span = std::chrono::seconds(10)) {
  const auto end = host.now() + span;
  while (!condition()) {
    if (host.now() >= end) return false;
    host.sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}
