// One way to keep a job alive. A backend makes plans; it never touches the host.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "core/survives.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// The process that a backend keeps running.
struct Job {
  TunnelName name;
  /// Usually `/…/holdfast run …`; the program's path is absolute. For `run`, a systemd unit also has an ExecStopPost=
  /// line: the same command with `reap` in place of `run`. It ends the ssh of a dead supervisor.
  std::vector<std::string> argv;
  os::Environment environment;  ///< an allow-list, never the whole environment of the login
  os::User run_as;
  std::string host;      ///< the host it belongs to, or "any"
  fs::path runtime_dir;  ///< system scope: /run/holdfast/NAME
  store::Paths paths;
};

/// How well a mechanism fits this host, and why.
struct Fitness {
  enum class Grade { unavailable, degraded, good } grade = Grade::unavailable;
  Survives survives;
  std::string reason;                        ///< shown to the user unchanged
  std::optional<std::string> remedy = {};    ///< one command that makes it usable or stronger
  std::optional<Survives> with_remedy = {};  ///< what it survives after that; empty when unknown
};

/// A backend's answer about one tunnel.
struct Registration {
  bool installed = false;
  bool running = false;                     ///< its job runs, or the backend is about to restart it
  bool restarting = false;                  ///< between a crash and the next start
  std::optional<fs::path> program = {};     ///< what the mechanism starts; empty: nothing, or not known
  std::vector<std::string> problems = {};   ///< how it differs from what install() makes, one clause each
  std::vector<std::string> obstacles = {};  ///< of this host, which install() does not change; with their remedies
  bool restarts = true;                     ///< false: a crashed job stays down, because of these
  bool never_started = false;               ///< its unit waits to be started, and nobody has stopped it
  bool starts = true;                       ///< false: nothing starts the job at boot or login, because of these
};

/// `survives` without what the problems of the registration prevent.
[[nodiscard]] Survives limited_by(Survives survives, const Registration& registration);
/// Adds the problem that the program is gone.
void check_program(Registration& registration, const os::Host& host);

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual Scope scope() const noexcept = 0;
  /// True when the mechanism restarts a crashed job itself, so that `ensure` need not.
  [[nodiscard]] virtual bool restarts_job() const noexcept = 0;
  /// True when `auto` takes it only if HOLDFAST_BACKENDS names it, because it edits files that the user maintains.
  [[nodiscard]] virtual bool is_opt_in() const noexcept { return false; }
  /// Changes nothing. Each command is limited to 2 s, but a file system that hangs can block the call for ever: an
  /// interactive command uses assess_all() instead.
  [[nodiscard]] virtual Fitness assess(const os::Host&) const = 0;
  /// The faults that the installed job survives now, for `status`, if query() finds no problem. Runs a command only if no
  /// file has the answer.
  [[nodiscard]] virtual Survives survives(const Job&, const os::Host&) const = 0;
  /// Steps that setup executes to test the backend before it uses it; may be empty. They may turn linger on: if setup
  /// rejects the backend, it must unwind their Applied. Call assess() again afterwards: the grade may have changed.
  [[nodiscard]] virtual Result<Plan> prove(const Job&, const os::Host&) const = 0;
  [[nodiscard]] virtual Result<Plan> install(const Job&, const os::Host&) const = 0;  ///< install and enable, not start
  [[nodiscard]] virtual Result<Plan> remove(const TunnelName&, const store::Paths&,
                                            const os::Host&) const = 0;  ///< after stop
  [[nodiscard]] virtual Result<Plan> start(const Job&, const os::Host&) const = 0;
  [[nodiscard]] virtual Result<Plan> stop(const Job&,
                                          const os::Host&) const = 0;  ///< stops the job; the caller ends its ssh
  [[nodiscard]] virtual Result<Plan> restart(const Job&, const os::Host&) const = 0;
  /// One answer for each job, in order. Runs at most one command for all of them. Compares the installation with what
  /// install() makes, whichever program both start.
  [[nodiscard]] virtual Result<std::vector<Registration>> query(std::span<const Job>, const os::Host&) const = 0;
};

/// Every backend of this build. When two survive the same faults, `auto` prefers the earlier one.
[[nodiscard]] std::span<const Backend* const> all_backends();
[[nodiscard]] const Backend* find_backend(std::string_view name);
/// True for the name of a backend that is planned but not part of this version.
[[nodiscard]] bool is_future_backend(std::string_view name);

struct AssessedBackend {
  const Backend* backend = nullptr;
  Fitness fitness;
};
/// Assesses all backends in parallel, each in its own process, and returns them in the order given. The conditions of
/// os::run_forked_queries apply. A backend is unavailable if it has not answered within k_timeout: a bus, a crontab or
/// a file system may hang.
[[nodiscard]] std::vector<AssessedBackend> assess_all(std::span<const Backend* const> backends, const os::Host& host);
inline constexpr std::chrono::milliseconds k_timeout{2000};

/// True when `auto` may choose it; `only` are the names in HOLDFAST_BACKENDS, if it is set.
[[nodiscard]] bool is_in_choice(const Backend& backend, std::span<const std::string> only);

/// Strongest first by is_stronger(), unavailable ones last; otherwise the order is kept.
[[nodiscard]] std::vector<AssessedBackend> ranked(std::vector<AssessedBackend> assessed);
/// What `auto` chooses from: the backends of `scope` that are in its choice, assessed and ranked.
[[nodiscard]] std::vector<AssessedBackend> rank(Scope scope, const os::Host& host, std::span<const std::string> only);

}  // namespace holdfast::backends
