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

/// Notes in the installation record that the tunnel is set up here, before anything is installed: `remove` then knows
/// of a setup that was cut short.
struct RecordSetup {
  store::LingerUse linger = store::LingerUse::as_before;
};

/// Writes the note that makes the next supervisor wait for the tunnel's lock: docs/adr/0011.
struct NoteHandOver {
  store::HandOver note;
};
struct RemoveHandOverNote {};

struct ApplyPlan {
  backends::Plan plan;
  bool record_directories = false;  ///< those that it makes are recorded first
};

/// Ends these jobs, their supervisors and their ssh.
struct StopPrevious {
  std::vector<InstalledJob> jobs;
  backends::Plan stop;  ///< what their backends do then, for --dry-run
};

/// Waits until the new supervisor waits for the lock of `previous`.
struct AwaitQueued {
  InstalledJob job;
  os::ProcessId previous;
};

/// Ends the previous supervisor, so that the one that waits gets the lock.
struct ReleasePrevious {
  backends::Plan plan;
  os::ProcessId supervisor;
};

/// SetupRequest::take_over
struct TakeOver {};

/// Makes the running supervisor read the tunnel file again.
struct AwaitReread {
  InstalledJob job;
};

/// Waits until a supervisor other than `previous` says that the tunnel is up.
struct AwaitUp {
  InstalledJob job;
  std::optional<os::ProcessId> previous = {};
  std::string doing;  ///< "setting up", for the Error
  bool must_be_verified = false;
};

using SetupAction = std::variant<RecordSetup, NoteHandOver, RemoveHandOverNote, ApplyPlan, StopPrevious, AwaitQueued,
                                 ReleasePrevious, TakeOver, AwaitReread, AwaitUp>;

/// A line for the Observer.
struct SetupMessage {
  enum class Kind {
    done,
    timed,  ///< done; the figure is how long the step took
    warned,
  } kind = Kind::done;
  std::string what;
  std::string figure = {};
};

struct SetupStep {
  SetupAction action;
  std::vector<SetupMessage> done = {};  ///< shown once it is done
  bool starts_clock = false;            ///< the time until the tunnel is up counts from here
};

struct SetupPlan {
  enum class Kind {
    keep,             ///< a move to the backend that holds the tunnel already
    change_forwards,  ///< the supervisor that runs gets other forwards and keeps its connection
    install,          ///< the previous tunnel, if any, is stopped first
    hand_over,        ///< the new job is started first and waits for the previous one: docs/adr/0011
  };
  Kind kind;
  InstalledJob job;  ///< of the tunnel
  Tunnel tunnel;     ///< as it will be
  Survives survives = {};
  std::vector<SetupMessage> messages = {};  ///< about the choice of the backend
  std::vector<SetupStep> steps = {};
};

/// A step as --dry-run shows it. Empty: it changes nothing that the other steps do not show.
[[nodiscard]] std::vector<std::string> preview_lines(const SetupAction& action, const SetupRequest& request);

}  // namespace holdfast::tunnels
