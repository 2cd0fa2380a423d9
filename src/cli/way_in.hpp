// What a laptop types to come in through the bastion.
#pragma once

#include "core/tunnel.hpp"

#include <string>

namespace holdfast::cli {

/// One ssh command. For a forward that leads to an ssh port: straight in, by way of the bastion (`user` is whom the
/// tunnel runs as, taken only when the target is this host). For any other: a local port that leads there.
[[nodiscard]] std::string way_in(const Tunnel& tunnel, const std::string& user);

}  // namespace holdfast::cli
