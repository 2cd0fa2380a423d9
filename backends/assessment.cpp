#include "backends/assessment.hpp"

#include "core/text.hpp"
#include "os/read_only_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace holdfast::backends {
namespace {

using Grade = Fitness::Grade;

// The answer of the child process is text: one field a line, in a fixed order.
constexpr std::size_t k_fields = 6;

std::string format(const Survival& survival) {
  return fmt::format("{} {}", static_cast<int>(survival.kind), survival.bound.count());
}

std::string format(const Survives& survives) {
  return fmt::format("{} {} {}", format(survives.crash), format(survives.logout), format(survives.reboot));
}

std::string format(const Fitness& fitness) {
  // Escaped: output of other programs may contain a line break.
  return fmt::format("{}\n{}\n{}\n{}{}\n{}\n{}", static_cast<int>(fitness.grade), format(fitness.survives),
                     printable(fitness.reason), fitness.remedy ? "+" : "", printable(fitness.remedy.value_or("")),
                     fitness.with_remedy ? format(*fitness.with_remedy) : "", "end");
}

std::optional<Survival> parse_survival(const std::string& kind, const std::string& bound) {
  const auto number = parse_number(kind, 0, static_cast<std::uint32_t>(Survival::Kind::yes));
  const auto seconds = parse_number(bound, 0, std::numeric_limits<std::int32_t>::max());
  if (!number || !seconds) return std::nullopt;
  return Survival{static_cast<Survival::Kind>(*number), std::chrono::seconds(*seconds)};
}

std::optional<Survives> parse_survives(const std::string& text) {
  const auto fields = split(text, ' ');
  if (fields.size() != 6) return std::nullopt;
  const auto crash = parse_survival(fields[0], fields[1]);
  const auto logout = parse_survival(fields[2], fields[3]);
  const auto reboot = parse_survival(fields[4], fields[5]);
  if (!crash || !logout || !reboot) return std::nullopt;
  return Survives{*crash, *logout, *reboot};
}

std::optional<Fitness> parse_fitness(const std::string& text) {
  const auto fields = split(text, '\n');
  if (fields.size() != k_fields) return std::nullopt;
  const auto grade = parse_number(fields[0], 0, static_cast<std::uint32_t>(Grade::good));
  const auto survives = parse_survives(fields[1]);
  if (!grade || !survives) return std::nullopt;
  Fitness fitness{static_cast<Grade>(*grade), *survives, fields[2]};
  if (fields[3].starts_with('+')) fitness.remedy = fields[3].substr(1);
  fitness.with_remedy = parse_survives(fields[4]);
  return fitness;
}

Fitness without_answer() {
  return {Grade::unavailable,
          {},
          "it did not answer within 2 s: a file system it needs is not responding (df shows which)"};
}

}  // namespace

os::ForkedQuery query_about(const Backend& backend, const os::Host& host) {
  return [&backend, &host] { return format(backend.assess(os::ReadOnlyHost(host, k_timeout))); };
}

Fitness fitness_from(const std::optional<std::string>& answer) {
  auto fitness = answer ? parse_fitness(*answer) : std::nullopt;
  return fitness ? std::move(*fitness) : without_answer();
}

std::vector<AssessedBackend> assess_all(std::span<const Backend* const> backends, const os::Host& host) {
  std::vector<os::ForkedQuery> queries;
  queries.reserve(backends.size());
  for (const auto* backend : backends) queries.push_back(query_about(*backend, host));
  const auto answers = os::run_forked_queries(queries, k_answer_deadline);
  std::vector<AssessedBackend> assessed;
  assessed.reserve(backends.size());
  for (std::size_t i = 0; i < backends.size(); ++i) assessed.push_back({backends[i], fitness_from(answers[i])});
  return assessed;
}

}  // namespace holdfast::backends
