// Runs functions that may hang in parallel, each in a forked process, up to a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace holdfast::os {

using ForkedQuery = std::function<std::string()>;

/// Runs all queries in parallel, each in a process forked for it, and returns their answers in order. An answer is
/// empty when the query threw or was not done at the deadline.
///
/// Processes instead of threads: a read from a dead file server can sleep uninterruptibly, and a process cannot end
/// before its last thread. A late child is killed; if that has no effect, init reaps it when the server answers.
/// Nothing is shared after the fork, so that a Host need not be thread-safe. Several threads may call it at once.
///
/// Changes that a query makes in memory are lost. A command that it runs must end before the deadline, otherwise
/// killing the child orphans it: os::ReadOnlyHost limits its commands.
[[nodiscard]] std::vector<std::optional<std::string>> run_forked_queries(std::span<const ForkedQuery> queries,
                                                                         std::chrono::milliseconds deadline);

}  // namespace holdfast::os
