#include "tunnels/setup/backend_choice.hpp"

#include "backends/registry.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

namespace holdfast::tunnels {
namespace {

using Grade = backends::Fitness::Grade;

std::string name_of(const backends::AssessedBackend& assessed) { return std::string(assessed.backend->name()); }

PassedOver note_of(const backends::AssessedBackend& assessed) {
  return {name_of(assessed), assessed.fitness.reason, assessed.fitness.remedy.value_or("")};
}

/// True when `a` is before `b` in the registry.
bool stands_before(const backends::Backend* a, const backends::Backend* b) {
  for (const auto* backend : backends::all_backends()) {
    if (backend == a) return a != b;
    if (backend == b) return false;
  }
  return false;
}

backends::AssessedBackend assess(const backends::Backend* backend, const os::Host& host) {
  return std::move(backends::assess_all({&backend, 1}, host).front());
}

/// A candidate, and its proof once that has succeeded.
struct Entrant {
  backends::AssessedBackend assessed;
  std::optional<backends::Applied> proof;
};

Result<> prove(Entrant& entrant, const backends::Job& job, os::Host& host) {
  HOLDFAST_TRY(const auto plan, entrant.assessed.backend->prove(job, host));
  HOLDFAST_TRY(entrant.proof, backends::apply(plan, host));
  entrant.assessed = assess(entrant.assessed.backend, host);
  return {};
}

}  // namespace

Result<std::vector<backends::AssessedBackend>> find_candidates(const std::string& wanted,
                                                               const std::vector<std::string>& only, Scope scope,
                                                               const os::Host& host,
                                                               std::vector<PassedOver>& passed_over) {
  if (wanted != "auto") {
    auto assessed = assess(backends::find_backend(wanted), host);
    if (assessed.fitness.grade == Grade::unavailable)
      return Error{"using", "backend " + wanted, assessed.fitness.reason,
                   assessed.fitness.remedy.value_or("leave --backend out to take what works here"),
                   ExitStatus::no_backend};
    return std::vector{std::move(assessed)};
  }
  std::vector<backends::AssessedBackend> usable;
  for (auto& assessed : backends::rank(scope, host, only)) {
    if (assessed.fitness.grade == Grade::unavailable)
      passed_over.push_back(note_of(assessed));
    else
      usable.push_back(std::move(assessed));
  }
  if (!usable.empty()) return usable;
  Error error{"finding", "a backend", "none can be used here", "", ExitStatus::no_backend};
  for (const auto& note : passed_over) error.cause += "; " + note.backend + ": " + note.reason;
  if (!only.empty()) error.hint = "HOLDFAST_BACKENDS narrows the choice: unset it";
  for (const auto& note : passed_over)
    if (error.hint.empty()) error.hint = note.remedy;
  return error;
}

void leave_out_weaker(std::vector<PassedOver>& unusable, const backends::Backend& chosen) {
  std::erase_if(unusable,
                [&](const PassedOver& note) { return !stands_before(backends::find_backend(note.backend), &chosen); });
}

Result<Chosen> prove_best(std::vector<backends::AssessedBackend> assessed_backends, const backends::Job& job,
                          os::Host& host, std::vector<PassedOver>& passed_over) {
  std::vector<Entrant> entrants;
  entrants.reserve(assessed_backends.size());
  for (auto& assessed : assessed_backends) entrants.push_back({std::move(assessed), {}});
  const auto undo_others = [&] {
    for (auto& entrant : entrants)
      if (entrant.proof) entrant.proof->unwind(host);
  };
  std::vector<PassedOver> tried;
  std::optional<Error> last;
  while (!entrants.empty()) {
    std::stable_sort(entrants.begin(), entrants.end(), [](const Entrant& a, const Entrant& b) {
      return backends::is_stronger(a.assessed.fitness.survives, b.assessed.fitness.survives);
    });
    auto& best = entrants.front();
    if (best.proof) {
      Chosen chosen{std::move(best.assessed), std::move(*best.proof)};
      entrants.erase(entrants.begin());
      for (const auto& entrant : entrants)
        if (entrant.proof || stands_before(entrant.assessed.backend, chosen.assessed.backend))
          tried.push_back(note_of(entrant.assessed));
      leave_out_weaker(passed_over, *chosen.assessed.backend);
      passed_over.insert(passed_over.end(), tried.begin(), tried.end());
      undo_others();
      return chosen;
    }
    if (auto proved = prove(best, job, host); !proved) {
      last = std::move(proved).error();
      tried.push_back({name_of(best.assessed), last->line(), last->hint});
      entrants.erase(entrants.begin());
    }
  }
  passed_over.insert(passed_over.end(), tried.begin(), tried.end());
  auto error = *last;
  // A full disk is no property of the backend.
  const bool is_disk_full = error.error_number == ENOSPC || error.error_number == EDQUOT;
  if (!is_disk_full) error.status = ExitStatus::no_backend;
  return error;
}

}  // namespace holdfast::tunnels
