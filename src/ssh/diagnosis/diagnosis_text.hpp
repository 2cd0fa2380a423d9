// The message and the hint for every class of failure. Pure.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "ssh/diagnosis/evidence.hpp"

#include <string>

namespace holdfast::ssh {

[[nodiscard]] Diagnosis make_diagnosis(FailureClass failure, const Tunnel& tunnel, const Evidence& evidence);

inline constexpr const char* k_install_ssh =
    "install it: apt install openssh-client, dnf install openssh-clients, or ask your administrator";

}  // namespace holdfast::ssh
