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

/// What must be running, whoever keeps it running.
struct Job {
  TunnelName name;
  /// Absolute program first: `/…/holdfast run …`. A backend that can ends a dead supervisor's ssh by the same words
  /// with `reap` in place of `run` (nothing is done for another engine's argv[1]).
  std::vector<std::string> argv;
  os::Environment environment;  ///< an allow-list, never the login's whole environment
  os::User run_as;
  std::string host;      ///< the host it belongs to, or "any"
  fs::path runtime_dir;  ///< system scope: /run/holdfast/NAME
  store::Paths paths;
};

/// How well a mechanism fits this host, and why.
struct Fitness {
  enum class Grade { unavailable, degraded, good } grade = Grade::unavailable;
  Survives survives;
  std::string reason;                        ///< shown to the user as it is
  std::optional<std::string> remedy = {};    ///< one command that would make it stronger
  std::optional<Survives> with_remedy = {};  ///< what it would survive then; nothing: not known
};

/// What a backend knows of one tunnel.
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
  /// True when what holds the job also starts it again, so that `ensure` has nothing to do.
  [[nodiscard]] virtual bool restarts_job() const noexcept = 0;
  /// True when `auto` takes it only where HOLDFAST_BACKENDS names it: it changes what is a person's own to write.
  [[nodiscard]] virtual bool is_opt_in() const noexcept { return false; }
  /// Reads only, bounded in time (2 s a command). A file system that hangs can still hold it for ever: whoever asks on
  /// behalf of a person asks by assess_all().
  [[nodiscard]] virtual Fitness assess(const os::Host&) const = 0;
  /// What the installed job survives as things stand now, for status: cheap, no outside command but where only one
  /// knows.
  [[nodiscard]] virtual Survives survives(const Job&, const os::Host&) const = 0;
  /// The round trip that setup runs before it relies on the backend; may be empty. It may turn linger on: keep what
  /// apply() returns while the backend is used, unwind it when it is not. Then assess() says what is really survived.
  [[nodiscard]] virtual Result<Plan> prove(const Job&, const os::Host&) const = 0;
  [[nodiscard]] virtual Result<Plan> install(const Job&, const os::Host&) const = 0;  ///< install and enable, not start
  [[nodiscard]] virtual Result<Plan> remove(const TunnelName&, const store::Paths&,
                                            const os::Host&) const = 0;  ///< after stop
  [[nodiscard]] virtual Result<Plan> start(const Job&, const os::Host&) const = 0;
  [[nodiscard]] virtual Result<Plan> stop(const Job&,
                                          const os::Host&) const = 0;  ///< the job; its ssh is ended by the caller
  [[nodiscard]] virtual Result<Plan> restart(const Job&, const os::Host&) const = 0;
  /// One answer for each name, in order; one outside command for all of them at most.
  [[nodiscard]] virtual Result<std::vector<Registration>> query(std::span<const Job>, const os::Host&) const = 0;
};

/// Every backend of this build, strongest first within its scope.
[[nodiscard]] std::span<const Backend* const> all_backends();
[[nodiscard]] const Backend* find_backend(std::string_view name);
/// True for a name that CONTRACT knows but this version does not build.
[[nodiscard]] bool is_future_backend(std::string_view name);

struct AssessedBackend {
  const Backend* backend = nullptr;
  Fitness fitness;
};
/// Assesses all of them at the same time, each in a process of its own (os::run_forked_queries, with all that it
/// demands), so that a bus, a crontab or a home that hangs is known for what it is within k_timeout. One that does not
/// answer by then is unavailable, and its reason says so. In the order given.
[[nodiscard]] std::vector<AssessedBackend> assess_all(std::span<const Backend* const> backends, const os::Host& host);
inline constexpr std::chrono::milliseconds k_timeout{2000};

/// True when `auto` may choose it, given the names that narrow its choice, if any.
[[nodiscard]] bool is_in_choice(const Backend& backend, std::span<const std::string> only);

/// `auto`: the candidates (of `scope`, and of `only` if it names any), ordered by what they survive here (reboot,
/// logout, crash), ties in table order.
[[nodiscard]] std::vector<AssessedBackend> ranked(std::vector<AssessedBackend> assessed_backends);
[[nodiscard]] std::vector<AssessedBackend> rank(Scope scope, const os::Host& host, std::span<const std::string> only);

}  // namespace holdfast::backends
