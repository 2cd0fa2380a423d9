// The one change that would make a host's tunnels more durable.
#pragma once

#include "backends/backend.hpp"

#include <optional>
#include <span>
#include <string>

namespace holdfast::cli {

/// The remedy whose backend would survive most, if that is more than `chosen` survives (nullptr: any is). Remedies of
/// `scope` come first, because the other scope needs another user.
[[nodiscard]] std::optional<std::string> recommendation(std::span<const backends::AssessedBackend> assessed_backends,
                                                        const backends::AssessedBackend* chosen, Scope scope);

/// The best of `ranked` if it survives more than `now`; nullptr when there is none, or it is backend `name`.
[[nodiscard]] const backends::AssessedBackend* stronger_than(const Survives& now, std::string_view name,
                                                             std::span<const backends::AssessedBackend> ranked);

}  // namespace holdfast::cli
