// Which backend a tunnel gets: what `auto` means.
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

/// The candidates that can be used, best first. Reads only. A named backend is the only candidate; it is an Error
/// (ExitStatus::no_backend) when it is unavailable, or when nothing is left.
[[nodiscard]] Result<std::vector<backends::AssessedBackend>> find_candidates(const std::string& wanted,
                                                                             const std::vector<std::string>& only,
                                                                             Scope scope, const os::Host& host,
                                                                             std::vector<PassedOver>& passed_over);

/// Of the notes of find_candidates(), which are about what cannot be used here, those that stand before `chosen` in the
/// table: that one without a use is weaker needs no word.
void leave_out_weaker(std::vector<PassedOver>& unusable, const backends::Backend& chosen);

/// A backend that proved itself, with what proving it did to the host.
struct Chosen {
  backends::AssessedBackend assessed;
  backends::Applied proof;
};

/// Runs the proofs of the candidates, best first, until one holds and is still the best by what it then survives (the
/// proof of systemd-user tries to turn linger on). What the others' proofs did is undone. `job_for` makes the job.
[[nodiscard]] Result<Chosen> prove_best(std::vector<backends::AssessedBackend> assessed_backends,
                                        const backends::Job& job, os::Host& host, std::vector<PassedOver>& passed_over);

}  // namespace holdfast::tunnels
