// Replaces holdfast by another program, which then has everything that holdfast was started with.
#pragma once

#include "core/result.hpp"

#include <string>
#include <vector>

namespace holdfast::os {

/// As env(1) and nohup(1) exit when a program does not exist, and when it cannot be run.
inline constexpr ExitStatus k_no_program{127};
inline constexpr ExitStatus k_cannot_execute{126};

/// Ignores SIGPIPE from now on, and remembers what it did before, for become_program().
void ignore_broken_pipes() noexcept;

/// An Error with k_no_program or k_cannot_execute when execvp(3) would not find or run `program`.
[[nodiscard]] Result<> check_program(const std::string& program);

/// Runs argv[0], looked up in PATH as execvp(3) does, in this process: pid, parent, terminal, descriptors, environment
/// and signal dispositions stay as holdfast got them. Returns only when that fails, with the statuses of
/// check_program().
[[nodiscard]] Error become_program(const std::vector<std::string>& argv);

}  // namespace holdfast::os
