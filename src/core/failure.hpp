// Classes of failures, and a diagnosed failure.
#pragma once

#include "core/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

/// The text of each is a value of last_error.class in JSON.
enum class FailureClass {
  dns,
  refused,
  timeout,
  unreachable,
  auth,
  key_missing,
  key_permissions,
  key_passphrase,
  host_key_unknown,
  host_key_changed,
  forward_busy,
  forward_denied,
  second_factor,
  certificate,
  agent,
  jump_host,
  account,
  target_down,
  dead_peer,
  closed,
  crypto,
  config,
  ssh_missing,
  unknown,
};

/// "forward-busy"
[[nodiscard]] std::string_view to_text(FailureClass failure) noexcept;
[[nodiscard]] std::optional<FailureClass> failure_class_from(std::string_view text) noexcept;

/// A diagnosed failure: its class, what it means, and what to do.
struct Diagnosis {
  FailureClass failure = FailureClass::unknown;
  std::string message;  ///< one line
  std::string hint;     ///< one command or setting; may be empty
  /// For jump_host: the class that its failure would have at the bastion. It decides the retry.
  std::optional<FailureClass> beneath = {};
  /// The class that decides how fast the failure is retried.
  [[nodiscard]] FailureClass retry_class() const noexcept { return beneath.value_or(failure); }
  bool operator==(const Diagnosis&) const = default;
};

/// "doing subject: message", with the hint and the class of the diagnosis.
[[nodiscard]] Error error_from(std::string doing, std::string subject, const Diagnosis& diagnosis);

}  // namespace holdfast
