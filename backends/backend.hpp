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
  /// Starts with an absolute program: `/…/holdfast run …`. systemd units also run it with `reap` in place of `run`, to
  /// end the ssh of a dead supervisor. Other commands get no such line.
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

/// What a backend knows about one tunnel.
struct Registration {
  bool installed = false;
  bool running = false;     ///< its job runs, or the backend is about to restart it
  bool restarting = false;  ///< between a crash and the next start
};

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual Scope scope() const noexcept = 0;
  /// True when the mechanism restarts a crashed job itself: then `ensure` leaves it alone.
  [[nodiscard]] virtual bool restarts_job() const noexcept = 0;
  /// True when `auto` takes it only if HOLDFAST_BACKENDS names it, because it edits files that the user maintains.
  [[nodiscard]] virtual bool is_opt_in() const noexcept { return false; }
  /// Changes nothing. Each command is limited to 2 s, but a file system that hangs can block the call for ever: an
  /// interactive command uses assess_all() instead.
  [[nodiscard]] virtual Fitness assess(const os::Host&) const = 0;
  /// What the installed job survives at present, for `status`. Runs a command only where no file has the answer.
  [[nodiscard]] virtual Survives survives(const Job&, const os::Host&) const = 0;
  /// A trial that setup runs before it uses the backend; may be empty. It may turn linger on: keep the Applied while
  /// the backend is used, and unwind it otherwise. Afterwards assess() reports what is actually survived.
  [[nodiscard]] virtual Result<Plan> prove(const Job&, const os::Host&) const = 0;
  [[nodiscard]] virtual Result<Plan> install(const Job&, const os::Host&) const = 0;  ///< install and enable, not start
  [[nodiscard]] virtual Result<Plan> remove(const TunnelName&, const store::Paths&,
                                            const os::Host&) const = 0;  ///< after stop
  [[nodiscard]] virtual Result<Plan> start(const Job&, const os::Host&) const = 0;
  [[nodiscard]] virtual Result<Plan> stop(const Job&,
                                          const os::Host&) const = 0;  ///< the job; its ssh is ended by the caller
  [[nodiscard]] virtual Result<Plan> restart(const Job&, const os::Host&) const = 0;
  /// One answer for each job, in order. Runs at most one command for all of them.
  [[nodiscard]] virtual Result<std::vector<Registration>> query(std::span<const Job>, const os::Host&) const = 0;
};

/// Every backend of this build; `auto` prefers the earlier of two that survive the same.
[[nodiscard]] std::span<const Backend* const> all_backends();
[[nodiscard]] const Backend* find_backend(std::string_view name);
/// True for the name of a backend that is planned but not part of this version.
[[nodiscard]] bool is_future_backend(std::string_view name);

struct AssessedBackend {
  const Backend* backend = nullptr;
  Fitness fitness;
};
/// Assesses all of them in parallel, in the order given, each in a process of its own (see os::run_forked_queries for
/// its conditions). A backend that has not answered within k_timeout, because a bus, a crontab or a file system hangs,
/// is unavailable.
[[nodiscard]] std::vector<AssessedBackend> assess_all(std::span<const Backend* const> backends, const os::Host& host);
inline constexpr std::chrono::milliseconds k_timeout{2000};

/// True when `auto` may choose it; `only` are the names in HOLDFAST_BACKENDS, if it is set.
[[nodiscard]] bool is_in_choice(const Backend& backend, std::span<const std::string> only);

/// Strongest first by is_stronger(), unavailable ones last; otherwise the order is kept.
[[nodiscard]] std::vector<AssessedBackend> ranked(std::vector<AssessedBackend> assessed);
/// What `auto` chooses from: the backends of `scope` that are in its choice, assessed and ranked.
[[nodiscard]] std::vector<AssessedBackend> rank(Scope scope, const os::Host& host, std::span<const std::string> only);

}  // namespace holdfast::backends
