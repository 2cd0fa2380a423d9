// Questions that may hang, asked at the same time and not waited for beyond a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace holdfast::os {

using ForkedQuery = std::function<std::string()>;

/// Asks all of them at the same time, each in a process forked for it, and returns their answers in order; nothing for
/// one that has not answered when `deadline` is over, or that threw.
///
/// Processes and not threads: who reads from a file server that is dead can sleep where no signal wakes it, and a
/// process does not end before its last thread does. A child that is late is killed; if it cannot be, it is left
/// behind for init, and ends when the server answers. A fork shares nothing, so that neither a Host nor anything else
/// needs to be safe to read by several threads; the caller itself has one thread only.
///
/// A question reads: what it changes in memory is lost with its process. A command that it runs must end before the
/// deadline, or it is orphaned when the child is killed: os::Survey sees to that.
[[nodiscard]] std::vector<std::optional<std::string>> run_forked_queries(std::span<const ForkedQuery> queries,
                                                                         std::chrono::milliseconds deadline);

}  // namespace holdfast::os
