// Messages and hints for a login that the bastion refused: keys, certificates, second factors, accounts. Pure.
#pragma once

#include "core/failure.hpp"
#include "core/timestamp.hpp"
#include "core/tunnel.hpp"
#include "ssh/diagnosis/evidence.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// What "Permission denied (…)" means: auth, or second_factor, key_missing or config.
[[nodiscard]] FailureClass refine_auth(const Evidence& evidence, const Tunnel& tunnel);

/// --ssh-option PreferredAuthentications: the user decided how ssh logs in.
[[nodiscard]] bool chooses_methods(const Tunnel& tunnel);

[[nodiscard]] Diagnosis auth_text(const EvidenceText& text);
[[nodiscard]] Diagnosis no_key_text(const EvidenceText& text);
[[nodiscard]] Diagnosis no_key_tried_text(const EvidenceText& text);
[[nodiscard]] Diagnosis second_factor_text(const EvidenceText& text);
[[nodiscard]] Diagnosis certificate_text(const EvidenceText& text);
[[nodiscard]] Diagnosis agent_text(const EvidenceText& text);
[[nodiscard]] Diagnosis account_text(const EvidenceText& text);

/// The user certificate in `file` is outside its lifetime at `now`; nothing when it is valid then.
[[nodiscard]] std::optional<Diagnosis> explain_user_certificate(const std::string& file, WallTime begins,
                                                                std::optional<WallTime> expires, WallTime now);

/// The agent at `socket` accepted a connection and did not answer.
[[nodiscard]] Diagnosis explain_silent_agent(const Tunnel& tunnel, std::string_view socket);
/// The only keys are in the agent of this terminal, which the job does not have.
[[nodiscard]] Diagnosis explain_agent_only(const Tunnel& tunnel);

/// The bastion has another address that answers, after ssh waited for this one.
[[nodiscard]] Diagnosis explain_silent_address(const Tunnel& tunnel, std::string_view address);

}  // namespace holdfast::ssh
