// The names that a user's ssh_config gives to hosts, for completion.
#pragma once

#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::ssh {

/// The Host words of `home`/.ssh/config and of what it includes, sorted, each once: those that name a host, not many
/// (no `*`, `?`, `!`), and that holdfast would take as a bastion. What cannot be read is passed over; a circle of
/// includes and a file without end are cut short. Match blocks name nothing.
[[nodiscard]] std::vector<std::string> host_aliases(const os::Host& host, const os::fs::path& home);

}  // namespace holdfast::ssh
