// What `doctor` shows of a host, and whether each backend can be used there. Read at once, in 2 s at most.
#pragma once

#include "backends/backend.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

struct HostFacts {
  std::string hostname;
  std::string system;  ///< "Debian GNU/Linux 12 (bookworm)": os-release(5); empty when it does not say
  std::string kernel;
  std::optional<std::string> container;  ///< "systemd-nspawn", "docker", "podman" …; nothing: none was found
  bool booted_by_systemd = false;
  os::User user;
  std::optional<ssh::Client> ssh;
  std::optional<Error> ssh_problem;  ///< why there is no usable ssh
  std::optional<bool> user_manager;  ///< can be reached; nothing: no answer
  std::optional<bool> linger;
  std::optional<bool> kills_user_processes;
  std::vector<boost::filesystem::path> unresponsive_paths;  ///< directories that do not answer
};

struct HostReport {
  HostFacts facts;
  std::vector<backends::AssessedBackend> backends;  ///< all, in the order of the registry
};

[[nodiscard]] HostReport look_at_host(const os::Host& host);

}  // namespace holdfast::tunnels
