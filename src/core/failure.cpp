#include "core/failure.hpp"

#include <array>
#include <utility>

namespace holdfast {
namespace {

using enum FailureClass;
constexpr std::array<std::pair<FailureClass, std::string_view>, 24> k_names{{
    {dns, "dns"},
    {refused, "refused"},
    {timeout, "timeout"},
    {unreachable, "unreachable"},
    {auth, "auth"},
    {key_missing, "key-missing"},
    {key_permissions, "key-permissions"},
    {key_passphrase, "key-passphrase"},
    {host_key_unknown, "host-key-unknown"},
    {host_key_changed, "host-key-changed"},
    {forward_busy, "forward-busy"},
    {forward_denied, "forward-denied"},
    {second_factor, "second-factor"},
    {certificate, "certificate"},
    {agent, "agent"},
    {jump_host, "jump-host"},
    {account, "account"},
    {target_down, "target-down"},
    {dead_peer, "dead-peer"},
    {closed, "closed"},
    {crypto, "crypto"},
    {config, "config"},
    {ssh_missing, "ssh-missing"},
    {unknown, "unknown"},
}};

}  // namespace

std::string_view to_text(FailureClass failure) noexcept {
  for (const auto& [value, name] : k_names)
    if (value == failure) return name;
  return "unknown";
}

std::optional<FailureClass> failure_class_from(std::string_view text) noexcept {
  for (const auto& [value, name] : k_names)
    if (name == text) return value;
  return std::nullopt;
}

Error error_from(std::string doing, std::string subject, const Diagnosis& diagnosis) {
  Error error{std::move(doing), std::move(subject), diagnosis.message, diagnosis.hint};
  error.failure = to_text(diagnosis.failure);
  return error;
}

}  // namespace holdfast
