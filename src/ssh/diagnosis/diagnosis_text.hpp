// Every failure in plain words, with what to do about it. Pure.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// What is known besides the class: the decisive line and the line that explains it (both may be empty), and the
/// forward it is about (none: all of the tunnel's). Texts of ssh may be hostile; they come out escaped.
struct Evidence {
  std::string_view line = {};
  std::string_view circumstance = {};
  std::string_view offending = {};  ///< "Offending ED25519 key in FILE:LINE", of a changed host key
  std::string_view offered = {};    ///< "ED25519 SHA256:…": the host key that the server showed
  std::string_view foreign = {};    ///< what the server said in place of an ssh greeting
  std::optional<Forward> forward = {};
};

[[nodiscard]] Diagnosis make_diagnosis(FailureClass failure, const Tunnel& tunnel, const Evidence& evidence);

}  // namespace holdfast::ssh
