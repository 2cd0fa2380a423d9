// The plan of a setup, as a value: made once, then printed by --dry-run or executed by the Executor.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/survives.hpp"
#include "core/tunnel.hpp"
#include "store/hand_over.hpp"
#include "store/installation_record.hpp"
#include "tunnels/control.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::tunnels {

/// Writes to the installation record that the tunnel is set up on this host. It precedes every installation, so that
/// `remove` can clean up after an interrupted setup.
struct RecordSetup {
  store::LingerUse linger = store::LingerUse::as_before;
};

/// Writes the hand-over note: the next supervisor then waits for the tunnel's lock (docs/adr/0011).
struct NoteHandOver {
  store::HandOver note;
};
struct RemoveHandOverNote {};

struct ApplyPlan {
  backends::Plan plan;
  bool record_directories = false;  ///< first records the directories that the plan creates, for `remove`
};

/// Ends these jobs, their supervisors and their ssh.
struct StopPrevious {
  std::vector<InstalledJob> jobs;
  backends::Plan stop;  ///< the steps of their backends, for --dry-run
};

/// Waits until the new supervisor is queued for the tunnel's lock, which `previous` holds.
struct AwaitQueued {
  InstalledJob job;
  os::ProcessId previous;
};

/// Ends the previous supervisor, so that the queued one gets the lock.
struct ReleasePrevious {
  backends::Plan plan;
  os::ProcessId supervisor;
};

/// Calls SetupRequest::take_over.
struct TakeOver {};

/// Makes the running supervisor read the tunnel file again.
struct AwaitReread {
  InstalledJob job;
};

/// Waits until a supervisor other than `previous` says that the tunnel is up.
struct AwaitUp {
  InstalledJob job;
  std::optional<os::ProcessId> previous = {};
  std::string doing;  ///< "setting up": Error::doing if it fails
  bool must_be_verified = false;
  bool target_may_be_down = false;
};

using SetupAction = std::variant<RecordSetup, NoteHandOver, RemoveHandOverNote, ApplyPlan, StopPrevious, AwaitQueued,
                                 ReleasePrevious, TakeOver, AwaitReread, AwaitUp>;

/// A line for the Observer.
struct SetupMessage {
  enum class Kind {
    done,
    timed,  ///< as done, with the duration of the step as its figure
    warned,
  } kind = Kind::done;
  std::string what;
  std::string figure = {};
};

struct SetupStep {
  SetupAction action;
  std::vector<SetupMessage> done = {};  ///< shown after it succeeded
  bool starts_clock = false;            ///< the time until the tunnel is up is measured from this step on
};

struct SetupPlan {
  enum class Kind {
    keep,             ///< nothing to do: a move to the tunnel's present backend
    change_forwards,  ///< the running supervisor changes its forwards and keeps its connection
    repair,           ///< the tunnel is installed again, and its supervisor runs on
    install,          ///< the previous tunnel, if any, is stopped first
    hand_over,        ///< the new job is started first and waits for the previous one: docs/adr/0011
  };
  Kind kind;
  InstalledJob job;  ///< the tunnel's job after the setup
  Tunnel tunnel;     ///< the tunnel after the setup
  Survives survives = {};
  std::vector<SetupMessage> messages = {};  ///< about the choice of the backend
  std::vector<SetupStep> steps = {};
};

/// The lines that --dry-run shows for a step; may be empty.
[[nodiscard]] std::vector<std::string> preview_lines(const SetupAction& action, const SetupRequest& request);

}  // namespace holdfast::tunnels
