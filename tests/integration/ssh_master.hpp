// An ssh with a control socket, started as the supervisor does and logged in to a bastion; ends with the object.
#pragma once

#include "sshd_fixture.hpp"

class SshMaster {
 public:
  /// Returns once it has logged in; throws when the login fails.
  SshMaster(SshdFixture& bastion, const holdfast::Tunnel& tunnel);
  ~SshMaster();
  SshMaster(const SshMaster&) = delete;
  SshMaster& operator=(const SshMaster&) = delete;

  [[nodiscard]] const boost::filesystem::path& control() const noexcept { return control_; }
  [[nodiscard]] const holdfast::os::ProcessId& process() const noexcept { return process_; }
  [[nodiscard]] bool alive() const { return holdfast::os::is_alive(host_, process_); }

 private:
  holdfast::os::Host& host_;
  boost::filesystem::path control_;
  holdfast::os::ProcessId process_;
};
