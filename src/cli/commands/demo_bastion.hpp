// A private, temporary bastion: a real sshd on loopback with its own keys, run by the calling user.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

class DemoBastion {
 public:
  /// Makes a directory, two keys and a configuration, starts sshd and waits until it answers.
  [[nodiscard]] static Result<DemoBastion> start(os::Host& host);

  DemoBastion(DemoBastion&& other) noexcept;
  DemoBastion& operator=(DemoBastion&&) = delete;
  DemoBastion(const DemoBastion&) = delete;
  DemoBastion& operator=(const DemoBastion&) = delete;
  ~DemoBastion();  ///< calls stop() and ignores its error

  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t tunnel_port() const noexcept {
    return tunnel_port_;
  }  ///< for the tunnel; it was free at the start
  [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] boost::filesystem::path key() const { return directory_ / "key"; }
  [[nodiscard]] boost::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }

  /// Runs `remote_argv` through `ssh` to 127.0.0.1:port, without the user's own settings.
  [[nodiscard]] Result<os::Completed> run_ssh(std::uint16_t port, const std::vector<std::string>& remote_argv,
                                              std::chrono::milliseconds deadline) const;

  /// Waits for its sessions, ends sshd, and removes its files.
  [[nodiscard]] Result<> stop();

 private:
  explicit DemoBastion(os::Host& host) : host_(&host) {}
  [[nodiscard]] Result<> make_directory();
  [[nodiscard]] Result<> make_keys();
  [[nodiscard]] Result<> serve(const boost::filesystem::path& sshd);
  [[nodiscard]] Result<bool> serve_on_free_ports(const boost::filesystem::path& sshd);
  [[nodiscard]] bool has_sessions() const;

  os::Host* host_;
  std::string user_;
  boost::filesystem::path directory_;
  std::optional<boost::filesystem::path> made_privilege_directory_;
  std::optional<os::ProcessId> sshd_;
  std::uint16_t port_ = 0;
  std::uint16_t tunnel_port_ = 0;
};

}  // namespace holdfast::cli
