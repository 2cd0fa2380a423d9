// An assessment on its way between two processes: what assess_all() asks, for whoever has more to ask at the same time.
#pragma once

#include "backends/backend.hpp"
#include "os/forked_query.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::backends {

/// For os::run_forked_queries(), together with k_answer_deadline. Both outlive the question.
[[nodiscard]] os::ForkedQuery query_about(const Backend& backend, const os::Host& host);

/// What its answer means; without one, an unavailable backend and why.
[[nodiscard]] Fitness fitness_from(const std::optional<std::string>& answer);

/// A command that ignores SIGTERM is killed half a second after its deadline, and what that means is still to be told.
inline constexpr std::chrono::milliseconds k_answer_deadline = k_timeout + std::chrono::milliseconds(700);

}  // namespace holdfast::backends
