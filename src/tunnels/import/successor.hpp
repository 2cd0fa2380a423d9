// Checks that an existing tunnel replaces a legacy one of the same name, so that the legacy one can be ended.
#pragma once

#include "core/result.hpp"
#include "core/survives.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/import/legacy_entry.hpp"

#include <string>

namespace holdfast::tunnels {

/// What a legacy tunnel of the user scope survives at least. A crash is not considered.
[[nodiscard]] Survives survival_of(const LegacyEntry& source, const os::Host& host);

/// What `successor` survives less well than `at_least`, such as "does not survive a reboot"; empty when it survives as
/// much. A crash is not considered.
[[nodiscard]] std::string survival_loss(const Survives& at_least, const Survives& successor);

/// Succeeds only when tunnel `name` is installed and up on this host, at the same bastion, with every forward of
/// `source` verified end to end, and survives as much. Otherwise an Error that says what is missing. `source.command`
/// must have a value.
[[nodiscard]] Result<> check_successor(const LegacyEntry& source, const TunnelName& name, const store::Paths& paths,
                                       const os::Host& host);

}  // namespace holdfast::tunnels
