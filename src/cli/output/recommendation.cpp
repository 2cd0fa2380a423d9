#include "cli/output/recommendation.hpp"

#include "backends/registry.hpp"

namespace holdfast::cli {
namespace {

using Grade = backends::Fitness::Grade;

/// The most durable remedy of `scope`, if it survives more than `least`.
const backends::Fitness* strongest_remedy(std::span<const backends::AssessedBackend> assessed_backends, Scope scope,
                                          std::optional<Survives> least) {
  const backends::Fitness* best = nullptr;
  for (const auto& [backend, fitness] : assessed_backends) {
    if (backend->scope() != scope || !fitness.remedy || !fitness.with_remedy) continue;
    if (least && !backends::is_stronger(*fitness.with_remedy, *least)) continue;
    least = fitness.with_remedy;
    best = &fitness;
  }
  return best;
}

}  // namespace

std::optional<std::string> recommendation(std::span<const backends::AssessedBackend> assessed_backends,
                                          const backends::AssessedBackend* chosen, Scope scope) {
  const auto now = chosen != nullptr ? std::optional(chosen->fitness.survives) : std::nullopt;
  const auto* remedy = strongest_remedy(assessed_backends, scope, now);
  if (remedy == nullptr && scope == Scope::user) remedy = strongest_remedy(assessed_backends, Scope::system, now);
  if (remedy != nullptr) return remedy->remedy;
  if (chosen != nullptr || scope == Scope::user) return std::nullopt;
  for (const auto& [backend, fitness] : assessed_backends)
    if (backend->scope() == Scope::user && fitness.grade != Grade::unavailable) return "holdfast setup --user …";
  return std::nullopt;
}

const backends::AssessedBackend* stronger_than(const Survives& now, std::string_view name,
                                               std::span<const backends::AssessedBackend> ranked) {
  if (ranked.empty()) return nullptr;
  const auto& best = ranked.front();
  if (best.fitness.grade == Grade::unavailable || best.backend->name() == name) return nullptr;
  return backends::is_stronger(best.fitness.survives, now) ? &best : nullptr;
}

}  // namespace holdfast::cli
