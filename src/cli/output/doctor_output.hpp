// The findings of `doctor`, as text and JSON.
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
  boost::filesystem::path program;                 ///< path of this program
  Scope scope = Scope::user;                       ///< for `choice`
  std::vector<std::string> only = {};              ///< HOLDFAST_BACKENDS
  std::optional<std::size_t> choice = {};          ///< index in host.backends: what `auto` would choose
  std::optional<std::string> recommendation = {};  ///< one change that would improve this host
  bool usable = false;                             ///< a backend works
  std::optional<std::string> bastion = {};         ///< -b
  std::vector<ssh::Check> checks = {};             ///< of `bastion`
  [[nodiscard]] bool checks_passed() const;
};

/// The table of backends, the choice of `auto`, the recommendation, and the facts of the host for a bug report. Lines
/// wrap at 80 columns.
[[nodiscard]] std::string host_text(const Findings& findings, bool colour);

/// One line for each check of the bastion; below a failed one its message and hint.
[[nodiscard]] std::string checks_text(const Findings& findings, bool colour);

/// All findings. Every key is always there; unknown values are null.
[[nodiscard]] std::string findings_json(const Findings& findings);

}  // namespace holdfast::cli
