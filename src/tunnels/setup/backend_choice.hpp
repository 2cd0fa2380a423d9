// Which backend a tunnel gets, and what `auto` means.
#pragma once

#include "backends/backend.hpp"
#include "backends/plan/apply.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

struct PassedOver {
  std::string backend;
  std::string reason;
  std::string remedy;  ///< may be empty
};

/// The backends that can be used, strongest first. Changes nothing. `wanted`: a backend's name, which is then the only
/// candidate, or "auto". `only`: what `auto` may choose; empty: any. ExitStatus::no_backend when none can be used.
[[nodiscard]] Result<std::vector<backends::AssessedBackend>> find_candidates(const std::string& wanted,
                                                                             const std::vector<std::string>& only,
                                                                             Scope scope, const os::Host& host,
                                                                             std::vector<PassedOver>& passed_over);

/// Removes the notes about backends that are weaker than `chosen` by their place in the registry.
void leave_out_weaker(std::vector<PassedOver>& unusable, const backends::Backend& chosen);

/// A backend that proved itself, with what proving it did to the host.
struct Chosen {
  backends::AssessedBackend assessed;
  backends::Applied proof;
};

/// Tests the candidates with their prove() plans, strongest first, until one succeeds and is still the strongest. A
/// test can change the order: that of systemd-user tries to turn linger on. Undoes the other tests. `job`: any job of
/// the tunnel.
[[nodiscard]] Result<Chosen> prove_best(std::vector<backends::AssessedBackend> assessed_backends,
                                        const backends::Job& job, os::Host& host, std::vector<PassedOver>& passed_over);

}  // namespace holdfast::tunnels
