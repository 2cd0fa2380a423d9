// A private, throw-away bastion: a real sshd on loopback, run by and for the calling user, with keys of its own.
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
  ~DemoBastion();  ///< stop(), whatever it says

  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t tunnel_port() const noexcept { return tunnel_port_; }  ///< free when it started
  [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] boost::filesystem::path key() const { return directory_ / "key"; }
  [[nodiscard]] boost::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }

  /// `ssh` to 127.0.0.1:port, with nothing of the user's own settings, to run `words` there.
  [[nodiscard]] Result<os::Completed> run_there(std::uint16_t port, const std::vector<std::string>& words,
                                                std::chrono::milliseconds deadline) const;

  /// Waits for its sessions to end, ends it, and removes all that was made for it.
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
