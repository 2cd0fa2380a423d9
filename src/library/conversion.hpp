// Converts values between holdfast's modules and the public API. Pure.
#pragma once

#include <holdfast/failure.hpp>
#include <holdfast/status.hpp>

#include "core/error.hpp"
#include "tunnels/status.hpp"

namespace holdfast::library {

[[nodiscard]] Failure failure_of(const Error& error);
[[nodiscard]] Status status_of(const tunnels::TunnelStatus& status);

}  // namespace holdfast::library
