// What the probe of one forward means. Pure.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/mux/mux_client.hpp"
#include "supervisor/machine/events.hpp"
#include "supervisor/probe/target_connections.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace holdfast::supervisor {

/// Why the bastion refused to open a channel, from the lines that ssh logged meanwhile.
enum class OpenFailure { prohibited, nobody_listens, other };
[[nodiscard]] OpenFailure classify_open_failure(std::string_view log_lines) noexcept;

/// True when ssh logged that it could not connect to that target.
[[nodiscard]] bool says_connect_failed(std::string_view log_lines, const End& target);

struct ForwardResult {
  ProbeAnswered::Kind kind = ProbeAnswered::Kind::silent;
  store::ForwardState state = store::ForwardState::down;
  std::optional<Diagnosis> why = {};
};

/// How a probe of one address ended.
struct Observation {
  ssh::mux::ProbeAnswer answer = {};  ///< Any kind but `refused`.
  TargetConnections::Found found = TargetConnections::Found::none;
  bool connect_failed = false;  ///< By says_connect_failed().
  End dialled = TcpEnd{};       ///< On the bastion.
};
[[nodiscard]] ForwardResult result_of(const Observation& seen, const Tunnel& tunnel, const Forward& forward);

/// The bastion forbids the probe.
[[nodiscard]] ForwardResult forbidden(const End& dialled);
/// Nothing listens there any more.
[[nodiscard]] ForwardResult lost(const Forward& forward);
/// The bastion listens on its loopback addresses, but not where it was asked to.
[[nodiscard]] ForwardResult not_granted(const Forward& forward);

/// One answer for all: its kind is the worst. A forward whose probe got no reply does not work, unless no forward got
/// one: then the bastion is silent.
[[nodiscard]] ProbeAnswered combine(std::vector<ForwardResult> results);

}  // namespace holdfast::supervisor
