// What `doctor` found, and how it is told.
#pragma once

#include "ssh/preflight/preflight.hpp"
#include "tunnels/host_facts.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

struct Findings {
  tunnels::HostReport host;
  boost::filesystem::path program;                 ///< our own
  Scope scope = Scope::user;                       ///< whose choice `choice` is
  std::vector<std::string> only = {};              ///< HOLDFAST_BACKENDS
  std::optional<std::size_t> choice = {};          ///< index into host.backends of what `auto` would take
  std::optional<std::string> recommendation = {};  ///< what would make this host stronger
  bool usable = false;                             ///< some backend can be used
  std::optional<std::string> bastion = {};         ///< -b
  std::vector<ssh::Check> checks = {};             ///< of that bastion
  [[nodiscard]] bool checks_passed() const;
};

/// The table of backends, what `auto` takes, what would be stronger, and what a bug report should say of the host.
/// No line is longer than 80 columns but for a word that is.
[[nodiscard]] std::string host_text(const Findings& findings, bool colour);

/// Each check of the bastion in a line, with what its failure means and what to do below it.
[[nodiscard]] std::string checks_text(const Findings& findings, bool colour);

/// All of it; every key always there, unknown values null.
[[nodiscard]] std::string findings_json(const Findings& findings);

}  // namespace holdfast::cli
