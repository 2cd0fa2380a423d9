// How a command of ours ended, as the result of a tool: success, stdout, stderr as scitex-tunnel has them, and more.
#pragma once

#include "mcp/tool.hpp"

namespace holdfast::cli {

/// Of status and of client-config.
[[nodiscard]] mcp::Answer tunnels_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer setup_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer remove_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer doctor_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer logs_answer(const Result<os::Completed>& completed);

}  // namespace holdfast::cli
