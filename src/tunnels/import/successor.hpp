// Checks that an existing tunnel replaces a legacy one of the same name, so that the legacy one can be ended.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/import/legacy_entry.hpp"

namespace holdfast::tunnels {

/// Succeeds only when tunnel `name` is installed and up on this host, at the same bastion, with every forward of
/// `source` verified end to end. Otherwise an Error that says what is missing. `source.command` must have a value.
[[nodiscard]] Result<> check_successor(const LegacyEntry& source, const TunnelName& name, const store::Paths& paths,
                                       const os::Host& host);

}  // namespace holdfast::tunnels
