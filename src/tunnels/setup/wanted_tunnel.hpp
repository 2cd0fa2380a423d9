// The tunnel that a setup asks for, and its own files. Pure.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "tunnels/setup/setup_facts.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::tunnels {

/// The requested tunnel with `backend`. `pinned`: NAME.known_hosts will contain its host key.
/// Keys of the tunnel file that no option of setup sets keep their values. A move changes only the backend. A usage
/// error for a tunnel that could not be read back from its file.
[[nodiscard]] Result<Tunnel> wanted_tunnel(const SetupRequest& request, const SetupFacts& facts,
                                           std::string_view backend, const fs::path& runtime_dir, bool pinned = false);

/// The new text of NAME.conf. A move keeps every other line of the file.
[[nodiscard]] Result<std::string> tunnel_file_text(const SetupRequest& request, const SetupFacts& facts,
                                                   const Tunnel& tunnel);

/// The steps that write the tunnel's own files. They skip a file that several hosts share if its content is the same.
/// `pinned_lines`: the new text of NAME.known_hosts; nullopt if this setup accepted no host key.
[[nodiscard]] Result<backends::Plan> file_steps(const SetupRequest& request, const SetupFacts& facts,
                                                const Tunnel& tunnel, const std::optional<std::string>& pinned_lines);

/// True when file_steps() would change no file.
[[nodiscard]] bool are_files_in_place(const SetupRequest& request, const SetupFacts& facts, const Tunnel& tunnel);

}  // namespace holdfast::tunnels
