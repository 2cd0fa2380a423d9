// The one thing that would make a host stronger.
#pragma once

#include "backends/backend.hpp"

#include <optional>
#include <span>
#include <string>

namespace holdfast::cli {

/// Of the remedies that the backends know, the one that would bring most, if that is more than `chosen` survives (any
/// is, where nothing is chosen): among those of `scope` first, for another scope takes another user.
[[nodiscard]] std::optional<std::string> recommendation(std::span<const backends::AssessedBackend> assessed_backends,
                                                        const backends::AssessedBackend* chosen, Scope scope);

/// What `status` hints at: the best candidate that is stronger than what holds the tunnel now; null when there is none.
[[nodiscard]] const backends::AssessedBackend* stronger_than(const Survives& now, std::string_view name,
                                                             std::span<const backends::AssessedBackend> ranked);

}  // namespace holdfast::cli
