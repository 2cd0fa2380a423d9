// Decides what a setup changes, from values alone. Pure: no function here reads from the host.
#pragma once

#include "tunnels/setup/backend_choice.hpp"
#include "tunnels/setup/setup_facts.hpp"
#include "tunnels/setup/setup_plan.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::tunnels {

/// "setting up" or "moving", for errors.
[[nodiscard]] std::string doing(const SetupRequest& request);

/// An Error when nothing can be done for `request` here: the tunnel to move is gone or is not set up on this host, or
/// the tunnel belongs to another host.
[[nodiscard]] Result<> check_request(const SetupRequest& request, const SetupFacts& facts);

enum class Change {
  none,      ///< the tunnel has the requested settings and is up
  forwards,  ///< only forwards differ: change them over the open connection
  repair,    ///< what the backend needs to start the tunnel again; the tunnel itself stays up
  job,       ///< anything else differs: replace the job
};
[[nodiscard]] Change find_change(const SetupRequest& request, const SetupFacts& facts, bool pinned = false);

/// The previous tunnel's backend, if `auto` should consider it.
struct KeptBackend {
  std::optional<std::string> name = {};
  bool alone = false;  ///< true: keep it if it works, without assessing others; false: one candidate among others
};
[[nodiscard]] KeptBackend kept_backend(const SetupRequest& request, const SetupFacts& facts);

/// The steps that come before a backend is proven.
[[nodiscard]] Result<std::vector<SetupStep>> plan_preparation(const SetupRequest& request, const SetupFacts& facts);

/// The plan for Change::forwards.
[[nodiscard]] Result<SetupPlan> plan_forwards_change(const SetupRequest& request, const SetupFacts& facts,
                                                     bool pinned = false);

/// What find_change() calls Change::repair. `job` is the tunnel's own, installed by `install`.
[[nodiscard]] SetupPlan plan_repair(const SetupRequest& request, const SetupFacts& facts, InstalledJob job,
                                    const Survives& survives, backends::Plan install);

/// The backend that setup chose for the tunnel.
struct BackendDecision {
  const backends::Backend* backend = nullptr;
  Survives survives;                         ///< here, a login hook included
  std::optional<std::string> remedy = {};    ///< what would make it stronger
  std::vector<PassedOver> passed_over = {};  ///< stronger ones
};

/// The backends' plans for the old and the new job, from collect_backend_plans().
struct BackendPlans {
  /// Of one previous job, in the order of PreviousTunnel::installed_jobs.
  struct Previous {
    backends::Plan stop;
    backends::Plan release;  ///< ends it for a successor that waits
    backends::Plan remove;
  };
  backends::Plan install;
  backends::Plan start;  ///< while no job runs
  std::vector<Previous> previous = {};
};

/// `job`: of `tunnel`, with the decided backend. `pinned_lines`: what NAME.known_hosts is to hold; nothing: no host key
/// was accepted.
[[nodiscard]] Result<SetupPlan> plan_setup(const SetupRequest& request, const SetupFacts& facts,
                                           const BackendDecision& decision, const Tunnel& tunnel,
                                           const InstalledJob& job, const BackendPlans& plans,
                                           const std::optional<std::string>& pinned_lines);

/// True when other hosts of the home use what `backend` has registered for the previous tunnel.
[[nodiscard]] bool is_registered_for_others(const backends::Backend& backend, const SetupRequest& request,
                                            const SetupFacts& facts);

}  // namespace holdfast::tunnels
