#include <holdfast/holdfast.hpp>

#include "core/text.hpp"
#include "library/conversion.hpp"
#include "library/signals.hpp"
#include "library/watcher.hpp"
#include "os/posix_host.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/running.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/selection.hpp"
#include "tunnels/setup/setup.hpp"
#include "tunnels/setup/setup_arguments.hpp"

#include <fmt/format.h>

#include <utility>

namespace holdfast {
inline namespace v0 {
namespace {

constexpr std::chrono::seconds k_timeout{5};

/// The value; else throws the exception of the watch, or the Error as a Failure.
template <class T>
T must(Result<T> result, const library::Watcher* watcher = nullptr) {
  if (!result && watcher != nullptr) watcher->rethrow();
  if (!result) throw library::failure_of(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Result<> check_program(const std::string& program, const os::Host& host) {
  const char* const hint = "install holdfast " HOLDFAST_VERSION ", or set Options::program";
  if (program.empty()) return Error{"finding", "the program holdfast", "it is not in PATH", hint};
  if (program.front() != '/') return usage_error("Options::program " + program, "it is not an absolute path");
  HOLDFAST_TRY(const auto done, host.run(os::Command{{program, "version"}}, k_timeout));
  const auto version = trim(done.out);
  if (done.ok() && version == "holdfast " HOLDFAST_VERSION) return {};
  if (!done.ok() || !version.starts_with("holdfast ")) return Error{"using", program, "it is not holdfast", hint};
  return Error{"using", program, "it is " + std::string(version) + ", but this library is " HOLDFAST_VERSION, hint};
}

}  // namespace

std::string_view version() noexcept { return HOLDFAST_VERSION; }

class Tunnels::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}

  /// The objects of one call.
  struct Call {
    library::BorrowedSignals signals = {};
    std::string program;
    std::unique_ptr<os::Host> host;
    store::Paths paths;
  };

  [[nodiscard]] std::unique_ptr<Call> begin() const {
    auto call = std::make_unique<Call>();
    call->program = program(*os::make_posix_host());
    // Without a name Host::self() would be the executable of this process.
    call->host = os::make_posix_host(call->program.empty() ? "holdfast" : call->program);
    call->paths = must(store::paths(scope(*call->host), *call->host));
    return call;
  }

  /// For a call that starts supervisors.
  [[nodiscard]] std::unique_ptr<Call> begin_with_program() const {
    auto call = begin();
    must(check_program(call->program, *call->host));
    return call;
  }

  [[nodiscard]] tunnels::SetupRequest read(const Request& request, Call& call, library::Watcher& watcher) const {
    auto only_backends = must(tunnels::read_only_backends(call.host->env("HOLDFAST_BACKENDS")));
    return must(tunnels::read_setup(request, call.paths.scope, std::move(only_backends), *call.host, watcher),
                &watcher);
  }

 private:
  /// Empty when there is none.
  [[nodiscard]] std::string program(const os::Host& host) const {
    if (!options_.program.empty()) return options_.program;
    if (const auto named = host.env("HOLDFAST_PROGRAM"); named && !named->empty()) return *named;
    const auto found = host.find_program("holdfast");
    return found ? found->string() : std::string();
  }
  [[nodiscard]] Scope scope(const os::Host& host) const {
    if (options_.scope == Options::Scope::automatic) return tunnels::usual_scope(host);
    return options_.scope == Options::Scope::system ? Scope::system : Scope::user;
  }

  Options options_;
};

namespace {

/// The name of an existing tunnel.
TunnelName named(const std::string& name, const os::Host& host, const store::Paths& paths) {
  return must(tunnels::named_tunnels({name}, host, paths)).front();
}

std::vector<Status> statuses(const std::vector<store::Entry>& entries, const store::Paths& paths, const os::Host& host,
                             library::Watcher& watcher) {
  std::vector<std::string> warnings;
  const auto known = tunnels::gather_status(entries, paths, host, warnings);
  for (const auto& warning : warnings) watcher.warn(warning);
  std::vector<Status> out;
  out.reserve(known.size());
  for (const auto& status : known) out.push_back(library::status_of(status));
  return out;
}

Status status_now(const TunnelName& name, const store::Paths& paths, const os::Host& host, library::Watcher& watcher) {
  return std::move(statuses({{name, store::load(host, paths, name)}}, paths, host, watcher).front());
}

}  // namespace

Tunnels::Tunnels(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Tunnels::~Tunnels() = default;
Tunnels::Tunnels(Tunnels&&) noexcept = default;
Tunnels& Tunnels::operator=(Tunnels&&) noexcept = default;

Made Tunnels::set_up(const Request& request, const Watch& watch) {
  const auto call = impl_->begin_with_program();
  library::Watcher watcher(watch);
  const auto outcome = must(tunnels::run_setup(impl_->read(request, *call, watcher), *call->host, watcher), &watcher);
  Made made{status_now(outcome.tunnel->name, call->paths, *call->host, watcher), outcome.changed};
  watcher.rethrow();
  return made;
}

std::vector<std::string> Tunnels::plan(const Request& request, const Watch& watch) {
  const auto call = impl_->begin_with_program();
  library::Watcher watcher(watch);
  auto lines = must(tunnels::preview_setup(impl_->read(request, *call, watcher), *call->host, watcher), &watcher);
  watcher.rethrow();
  return lines;
}

std::vector<Status> Tunnels::status(const Watch& watch) const {
  const auto call = impl_->begin();
  library::Watcher watcher(watch);
  auto entries = store::load_all(*call->host, call->paths);
  for (auto& left : store::orphaned_installations(*call->host, call->paths)) entries.push_back(std::move(left));
  auto all = statuses(entries, call->paths, *call->host, watcher);
  watcher.rethrow();
  return all;
}

Status Tunnels::status(const std::string& name, const Watch& watch) const {
  const auto call = impl_->begin();
  library::Watcher watcher(watch);
  auto one = status_now(named(name, *call->host, call->paths), call->paths, *call->host, watcher);
  watcher.rethrow();
  return one;
}

Status Tunnels::start(const std::string& name, const Watch& watch) {
  const auto call = impl_->begin_with_program();
  library::Watcher watcher(watch);
  const auto known = named(name, *call->host, call->paths);
  must(tunnels::start_tunnel(known, call->paths, *call->host, watcher), &watcher);
  auto now = status_now(known, call->paths, *call->host, watcher);
  watcher.rethrow();
  return now;
}

bool Tunnels::stop(const std::string& name) {
  const auto call = impl_->begin();
  const auto known = named(name, *call->host, call->paths);
  std::vector<std::string> warnings;
  return must(tunnels::stop_tunnel(known, call->paths, *call->host, warnings)).anything();
}

Status Tunnels::restart(const std::string& name, Connection connection, const Watch& watch) {
  const auto call = impl_->begin_with_program();
  library::Watcher watcher(watch);
  const auto known = named(name, *call->host, call->paths);
  must(connection == Connection::kept ? tunnels::restart_keeping_connection(known, call->paths, *call->host, watcher)
                                      : tunnels::restart_tunnel(known, call->paths, *call->host, watcher),
       &watcher);
  auto now = status_now(known, call->paths, *call->host, watcher);
  watcher.rethrow();
  return now;
}

std::vector<std::string> Tunnels::remove(const std::string& name) {
  const auto call = impl_->begin();
  std::vector<std::string> report;
  must(tunnels::remove_tunnel(named(name, *call->host, call->paths), call->paths, *call->host, report));
  return report;
}

}  // namespace v0
}  // namespace holdfast
