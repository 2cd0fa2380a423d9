// What a shell's start-up files hold so that each login starts the tunnels that should run and do not.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "core/survives.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

enum class Shell { sh, bash, zsh, fish };

/// The block's label: no tunnel's, for it holds a space.
inline constexpr std::string_view k_hook_label = "login hook";

/// "sh", "bash", "zsh", "fish"; a usage error for anything else.
[[nodiscard]] Result<Shell> parse_shell(std::string_view name);
[[nodiscard]] std::string_view to_text(Shell shell) noexcept;

/// The shell that this user's logins get: $SHELL, else what getent(1) says. Those that read .profile as sh does count
/// as sh. An Error for one that holdfast has no hook for.
[[nodiscard]] Result<Shell> login_shell(const os::Host& host);

/// The hook as it is printed: good in any start-up file of that shell, its markers around it.
[[nodiscard]] Result<std::string> hook_text(Shell shell, const store::Paths& paths, const os::Host& host);

/// Puts the hook into the files that an interactive shell reads, so that it runs once in each, login shell or not.
[[nodiscard]] Result<Plan> install_hook(Shell shell, const store::Paths& paths, const os::Host& host);
/// Takes it out of every file that it may ever have been put into.
[[nodiscard]] Plan remove_hook(Shell shell, const store::Paths& paths, const os::Host& host);

/// What the login-hook backend has in those files: the same, but where somebody else put the hook there it stays
/// theirs.
[[nodiscard]] Result<Plan> install_managed_hook(const store::Paths& paths, const os::Host& host);
/// Takes away what that backend has put there, for whichever shell, and nothing else.
[[nodiscard]] Plan remove_managed_hook(const store::Paths& paths, const os::Host& host);

/// The files that hold the hook now, of every shell.
[[nodiscard]] std::vector<fs::path> files_with_hook(const store::Paths& paths, const os::Host& host);

/// True when the file that a login of this user reads holds the hook. Reads files, starts nothing but where $SHELL is
/// not set.
[[nodiscard]] bool has_login_hook(const store::Paths& paths, const os::Host& host);

/// What does not outlive something is back from it at the next login.
[[nodiscard]] Survives back_at_login(Survives survives);
/// What a job survives that nothing but `ensure` starts again: with the hook, what it does not outlive it is back from
/// at the next login.
[[nodiscard]] Survives with_login_hook(Survives survives, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::backends
