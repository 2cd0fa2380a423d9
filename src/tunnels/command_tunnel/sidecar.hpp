// The sidecar of a command: supervisor of its tunnel, and its private sshd.
#pragma once

#include "core/port_range.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::tunnels {

struct SidecarArguments {
  boost::filesystem::path directory;  ///< the command's private directory
  PortRange ports;
  std::optional<boost::filesystem::path> sshd;  ///< absolute; its files are in `directory`
};

/// Forks. The parent, a child of with-tunnel, prints the pid of the new process and returns. The new process supervises
/// the tunnel until the command ends, removes the directory, and returns. It has no terminal, and ignores the signals
/// that a scheduler sends to every process of a job.
[[nodiscard]] Result<> run_sidecar(const SidecarArguments& arguments, os::Host& host);

}  // namespace holdfast::tunnels
