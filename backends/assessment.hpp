// An assessment in a child process, for callers that run further queries in parallel. assess_all() uses it too.
#pragma once

#include "backends/backend.hpp"
#include "os/forked_query.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::backends {

/// For os::run_forked_queries() with k_answer_deadline. `backend` and `host` must outlive the query.
[[nodiscard]] os::ForkedQuery query_about(const Backend& backend, const os::Host& host);

/// Parses its answer. Without one the backend is unavailable, with the reason.
[[nodiscard]] Fitness fitness_from(const std::optional<std::string>& answer);

/// k_timeout, and time to kill a command that ignores SIGTERM (0.5 s) and to report it.
inline constexpr std::chrono::milliseconds k_answer_deadline = k_timeout + std::chrono::milliseconds(700);

}  // namespace holdfast::backends
