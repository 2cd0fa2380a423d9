// The login hook: a block in a shell's start-up files that starts the tunnels which should be running but aren't.
#pragma once

#include "backends/backend.hpp"
#include "core/result.hpp"
#include "core/survives.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

enum class Shell { sh, bash, zsh, fish };

/// The label of its block. A tunnel name cannot contain a space.
inline constexpr std::string_view k_hook_label = "login hook";

/// "sh", "bash", "zsh", "fish"; a usage error for anything else.
[[nodiscard]] Result<Shell> parse_shell(std::string_view name);
[[nodiscard]] std::string_view to_text(Shell shell) noexcept;

/// The login shell of this user: $SHELL, else from getent(1). Shells that read .profile like sh count as sh. An Error
/// for a shell without a hook.
[[nodiscard]] Result<Shell> login_shell(const os::Host& host);

/// The hook with its markers, for any start-up file of that shell.
[[nodiscard]] Result<std::string> hook_text(Shell shell, const store::Paths& paths, const os::Host& host);

/// Adds the hook to the files that interactive shells read, and to those of a shell that such a file starts (exec
/// fish).
[[nodiscard]] Result<Plan> install_hook(Shell shell, const store::Paths& paths, const os::Host& host);
/// Removes it from every file that install_hook() can have edited.
[[nodiscard]] Plan remove_hook(Shell shell, const store::Paths& paths, const os::Host& host);

/// The same for the login-hook backend, whose hook carries a note. A hook that the user has installed is left
/// unchanged.
[[nodiscard]] Result<Plan> install_managed_hook(const store::Paths& paths, const os::Host& host);
/// Removes the hooks that carry that note, of every shell.
[[nodiscard]] Plan remove_managed_hook(const store::Paths& paths, const os::Host& host);

/// The files that contain the hook now, of every shell.
[[nodiscard]] std::vector<fs::path> files_with_hook(const store::Paths& paths, const os::Host& host);

/// How the hook is installed for this user's login shell. Runs getent(1) if $SHELL is not set.
[[nodiscard]] Registration check_hook(const store::Paths& paths, const os::Host& host);

/// True when the start-up file of this user's login shell contains the hook, and its program exists.
[[nodiscard]] bool has_login_hook(const store::Paths& paths, const os::Host& host);

/// Replaces each `no` by `at-login`.
[[nodiscard]] Survives back_at_login(Survives survives);
/// back_at_login() if the hook is installed: for a job that only `ensure` starts again.
[[nodiscard]] Survives with_login_hook(Survives survives, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::backends
