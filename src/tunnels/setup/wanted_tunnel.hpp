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

/// The tunnel that is asked for, held by `backend`. `pinned`: its host key is in NAME.known_hosts from now on.
/// Keys of the tunnel file that no option of setup sets stay as they are; a move changes nothing but the backend.
[[nodiscard]] Result<Tunnel> wanted_tunnel(const SetupRequest& request, const SetupFacts& facts,
                                           std::string_view backend, const fs::path& runtime_dir, bool pinned = false);

/// What NAME.conf is to say. After a move the rest of the file stays as its owner wrote it.
[[nodiscard]] Result<std::string> tunnel_file_text(const SetupRequest& request, const SetupFacts& facts,
                                                   const Tunnel& tunnel);

/// The steps that write the tunnel's own files. A file of many hosts that says the same already is left alone.
/// `pinned_lines`: what NAME.known_hosts is to hold; nothing: no host key was accepted now.
[[nodiscard]] Result<backends::Plan> file_steps(const SetupRequest& request, const SetupFacts& facts,
                                                const Tunnel& tunnel, const std::optional<std::string>& pinned_lines);

/// True when file_steps() would write what is there.
[[nodiscard]] bool are_files_in_place(const SetupRequest& request, const SetupFacts& facts, const Tunnel& tunnel);

}  // namespace holdfast::tunnels
