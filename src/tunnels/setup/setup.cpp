#include "tunnels/setup/setup.hpp"

#include "backends/host/logind.hpp"
#include "backends/text/login_hook_text.hpp"
#include "store/host_settings.hpp"
#include "store/installation_record.hpp"
#include "store/tunnel_file.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/survival_text.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {
namespace {

Result<> check_home(const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::system) return {};
  const auto home = host.user().home;
  const auto kind = host.status(home).kind;
  if (kind == os::FileKind::directory || kind == os::FileKind::symlink) return {};
  return Error{"finding", "your home directory " + home.string(),
               kind == os::FileKind::missing ? "it does not exist" : "it is not a directory",
               "set HOME to the right one"};
}

/// What claiming a runtime directory would come to, without doing it.
bool could_be_ours(const fs::path& directory, const os::Host& host) {
  if (!store::check_runtime_directory(directory)) return false;
  const auto status = host.status(directory);
  if (status.kind == os::FileKind::missing) return host.status(directory.parent_path()).kind == os::FileKind::directory;
  return status.kind == os::FileKind::directory && status.owner == host.user().uid;
}

/// Then what was pinned for it is still good.
bool shares_bastion(const Tunnel& previous, const TunnelSpec& wanted) {
  for (std::size_t at = 0; at < previous.bastions(); ++at)
    if (previous.bastion(at) == wanted.bastion ||
        std::ranges::find(wanted.fallbacks, previous.bastion(at)) != wanted.fallbacks.end())
      return true;
  return false;
}

}  // namespace

Setup::Setup(os::Host& host, Observer& observer, SetupRequest request)
    : host_(host), observer_(observer), request_(std::move(request)) {}

InstalledJob Setup::installed_job() const {
  return {backend_, make_job(*tunnel_, request_.paths, request_.run_as, host_)};
}

Result<Tunnel> Setup::wanted(const backends::Backend& backend, const fs::path& runtime_dir) const {
  TunnelSpec spec{request_.name, request_.bastion, request_.forwards, request_.identity};
  spec.fallbacks = request_.fallbacks;
  spec.backend = std::string(backend.name());
  spec.host = request_.host.value_or(host_.hostname());
  spec.engine = request_.engine;
  spec.ssh_options = request_.ssh_options;
  spec.takeover = request_.takeover;
  if (request_.paths.scope == Scope::system) spec.run_as = request_.run_as.name;
  spec.runtime_dir = runtime_dir;
  if (const auto& previous = previous_.tunnel()) {
    // Keys that no option of setup speaks of stay as a person wrote them.
    if (!(*previous)->host.empty() && !request_.host) spec.host = (*previous)->host;
    spec.probe_interval = (*previous)->probe_interval;
    if (shares_bastion(*previous, spec)) spec.known_hosts = (*previous)->known_hosts;
  }
  if (request_.move) {
    spec = previous_.tunnel()->spec();
    spec.backend = std::string(backend.name());
    spec.runtime_dir = runtime_dir;
  }
  if (pin_) spec.known_hosts = pin_file(request_.name, request_.paths);
  if (spec.host != k_any_host && !request_.move) spec.machine = store::machine_mark(host_);
  return Tunnel::make(std::move(spec));
}

Result<fs::path> Setup::runtime_directory_for(const backends::Backend& backend, bool make) const {
  if (request_.paths.scope == Scope::system) return store::system_runtime_directory(request_.name);
  // /run/user/UID goes with the last session unless linger keeps it; only a unit of the user's manager is told of it.
  const bool lingers = backend.name() == "systemd-user" && survives_.logout.kind == Survival::Kind::yes;
  if (const auto& previous = previous_.tunnel(); previous && previous_.was_here() && (*previous)->runtime_dir) {
    const auto& directory = *(*previous)->runtime_dir;
    const bool stays = lingers || directory != store::runtime_directory_candidates(host_, true).front();
    if ((stays || (*previous)->backend == backend.name()) && could_be_ours(directory, host_)) return directory;
  }
  std::vector<std::string> passed_over;
  if (make) {
    auto chosen = store::choose_runtime_directory(host_, lingers, passed_over);
    for (const auto& line : passed_over) observer_.detail("passed over: " + line);
    return chosen;
  }
  for (const auto& assessed : store::runtime_directory_candidates(host_, lingers))
    if (could_be_ours(assessed, host_)) return assessed;
  return store::runtime_directory_candidates(host_, lingers).back();
}

Result<std::string> Setup::tunnel_text() const {
  if (store::is_shared(*tunnel_, request_.paths)) return store::format_shared(*tunnel_);
  if (!request_.move) return store::format_tunnel(*tunnel_);
  HOLDFAST_TRY(const auto text,
               host_.read_file(request_.paths.tunnel_file(request_.name), store::k_largest_tunnel_file));
  return store::with_holder(text, *tunnel_);
}

Result<backends::Plan> Setup::install_plan() const {
  const auto& paths = request_.paths;
  backends::Plan plan;
  if (pin_)
    plan.emplace_back(backends::WriteFile{*(*tunnel_)->known_hosts, *pin_, paths.file_mode, paths.directory_mode});
  else if (!(*tunnel_)->known_hosts && host_.status(pin_file(request_.name, paths)).kind != os::FileKind::missing)
    plan.emplace_back(backends::RemoveFile{pin_file(request_.name, paths)});
  const bool shared = store::is_shared(*tunnel_, paths);
  // What another host has written is left alone where it says the same.
  if (!shared || !store::agrees_with_file(host_, paths, *tunnel_)) {
    HOLDFAST_TRY(auto text, tunnel_text());
    plan.emplace_back(
        backends::WriteFile{paths.tunnel_file(request_.name), std::move(text), paths.file_mode, paths.directory_mode});
  }
  const auto part = store::host_settings_file(paths, request_.name);
  if (shared)
    plan.emplace_back(
        backends::WriteFile{part, store::format_host_settings(*tunnel_), paths.file_mode, paths.directory_mode});
  else if (host_.status(part).kind != os::FileKind::missing)
    plan.emplace_back(backends::RemoveFile{part});
  HOLDFAST_TRY(auto steps, backend_->install(installed_job().job, host_));
  for (auto& step : steps) plan.push_back(std::move(step));
  return plan;
}

Result<> Setup::look_around() {
  HOLDFAST_CHECK(check_for_unresponsive_paths(host_));
  HOLDFAST_CHECK(check_home(request_.paths, host_));
  HOLDFAST_TRY(previous_, PreviousTunnel::find(request_.name, request_.paths, request_.host, host_));
  return {};
}

Result<bool> Setup::is_in_place() {
  const auto& previous = previous_.tunnel();
  if (previous && request_.move) {
    if (request_.backend != (*previous)->backend) return false;
    HOLDFAST_TRY(tunnel_, Tunnel::make(previous->spec()));
    HOLDFAST_TRY(const auto* held_by, backend_of(*previous));
    return is_held_by(*held_by);
  }
  if (!previous || !previous_.live() || previous_.half_moved()) return false;
  if (request_.backend != "auto" && request_.backend != (*previous)->backend) return false;
  const auto backend = backend_of(*previous);
  if (!backend) return false;
  backend_ = *backend;
  HOLDFAST_TRY(tunnel_, wanted(*backend_, runtime_directory_of(*previous, request_.paths, host_)));
  if (*tunnel_ != *previous) return false;
  const auto known = query_one(*backend_, installed_job().job, host_);
  if (!known || !known->installed || !known->running) return false;
  HOLDFAST_TRY(const auto plan, install_plan());
  if (!std::ranges::all_of(plan, [&](const auto& step) { return backends::is_in_place(step, host_); })) return false;
  HOLDFAST_TRY(const auto arrival, wait_until_up(installed_job(), {}, host_, std::chrono::milliseconds(0), observer_));
  if (!arrival.verified) outcome_.unverified = arrival.failure;
  outcome_.standing_by = arrival.standing_by;
  return arrival.up || arrival.standing_by;
}

Result<std::vector<backends::AssessedBackend>> Setup::find_choice() {
  const auto scope = request_.paths.scope;
  std::vector<backends::AssessedBackend> kept;
  const auto& previous = previous_.tunnel();
  const auto* installed_job = previous ? backends::find_backend((*previous)->backend) : nullptr;
  if (request_.backend == "auto" && installed_job != nullptr && installed_job->scope() == scope)
    // The backend of a tunnel that is there stays, if it still can: changing it is another wish. In a move it stands
    // for the choice even where `auto` would not take it unasked.
    if (!request_.move || (request_.only_backends.empty() && !backends::is_in_choice(*installed_job, {})))
      if (auto usable = find_candidates((*previous)->backend, {}, scope, host_, passed_over_))
        kept = std::move(*usable);
  if (!request_.move && !kept.empty()) return kept;
  HOLDFAST_TRY(auto assessed_backends,
               find_candidates(request_.backend, request_.only_backends, scope, host_, passed_over_));
  assessed_backends.insert(assessed_backends.end(), kept.begin(), kept.end());
  return backends::ranked(std::move(assessed_backends));
}

Survives Setup::survives_here(const backends::AssessedBackend& assessed) const {
  const auto& survives = assessed.fitness.survives;
  const bool waits_for_ensure = request_.paths.scope == Scope::user && !assessed.backend->restarts_job();
  return waits_for_ensure ? backends::with_login_hook(survives, request_.paths, host_) : survives;
}

void Setup::tell_choice() {
  for (const auto& note : passed_over_)
    observer_.step_warned("passed over " + note.backend,
                          note.remedy.empty() ? note.reason : note.reason + " (stronger with: " + note.remedy + ")");
  observer_.step_done(fmt::format("backend {}", backend_->name()), survival_text(survives_));
  if (request_.paths.scope == Scope::user && survives_.reboot.kind == Survival::Kind::no)
    observer_.step_warned(survives_.logout.kind == Survival::Kind::no
                              ? "it ends when you log out, and nothing starts it again"
                              : "nothing starts it again after a reboot",
                          "your next login does, once you have run: holdfast hook --install");
}

Result<SetupOutcome> Setup::run() {
  HOLDFAST_TRY(const auto lock, NameLock::take(request_.name, request_.paths, host_));
  HOLDFAST_CHECK(look_around());
  if (request_.take_over && previous_.existed())
    return Error{doing(), "tunnel " + request_.name.text(), "another command has set it up meanwhile", "run it again"};
  if (previous_.tunnel() && store::is_shared(*previous_.tunnel(), request_.paths) &&
      !store::read_host_settings(host_, request_.paths, request_.name))
    for (const auto& other : store::other_hosts_with(host_, request_.paths, request_.name))
      observer_.note(
          fmt::format("tunnel {} is set up on host {} already: setting it up here too", request_.name.text(), other));
  HOLDFAST_TRY(const bool in_place, is_in_place());
  if (in_place) {
    outcome_.changed = false;
    return outcome_;
  }
  tunnel_.reset();  // from here on it is the new one, and its backend is not chosen yet
  backend_ = nullptr;
  HOLDFAST_TRY(client_, ssh::find_client(host_));
  observer_.detail(fmt::format("ssh is {}, OpenSSH {}.{}; holdfast is {}", client_->program.string(),
                               client_->version.major, client_->version.minor, host_.self().string()));
  HOLDFAST_TRY(assessed_backends_, find_choice());
  HOLDFAST_CHECK(check_cancelled(observer_));
  HOLDFAST_CHECK(check_engine());
  if (request_.preflight) HOLDFAST_CHECK(preflight(lock.directory()));
  HOLDFAST_CHECK(check_cancelled(observer_));
  HOLDFAST_TRY(const bool forwards_changed, change_forwards());
  if (forwards_changed) return outcome_;
  const bool left_on = previous_.half_moved() && !previous_.half_moved()->was_lingering;
  was_lingering_ = request_.paths.scope == Scope::user && !left_on && backends::is_lingering(host_, host_.user());
  if (auto changed = change_host(); !changed) {
    if (observer_.is_cancelled()) return undo(cancelled());
    return undo(std::move(changed).error());
  }
  return outcome_;
}

Result<std::optional<std::vector<std::string>>> Setup::plan_in_place() {
  using Lines = std::optional<std::vector<std::string>>;
  if (request_.move) return Lines{};
  HOLDFAST_TRY(const bool in_place, is_in_place());
  if (in_place)
    return Lines{{fmt::format("nothing: tunnel {} is {} already", request_.name.text(),
                              outcome_.standing_by ? "standing by" : "up")}};
  tunnel_.reset();
  backend_ = nullptr;
  HOLDFAST_TRY(const auto file, find_forwards_change());
  if (!file) return Lines{};
  return Lines{{backends::describe(*file), "have the supervisor that runs read it: its connection stays"}};
}

Result<std::vector<std::string>> Setup::plan() {
  HOLDFAST_CHECK(look_around());
  HOLDFAST_TRY(auto in_place, plan_in_place());
  if (in_place) return std::move(*in_place);
  const auto& paths = request_.paths;
  HOLDFAST_TRY(assessed_backends_, find_choice());
  HOLDFAST_TRY(client_, ssh::find_client(host_));
  HOLDFAST_CHECK(check_engine());
  backend_ = assessed_backends_.front().backend;
  survives_ = survives_here(assessed_backends_.front());
  if (request_.move) {
    HOLDFAST_TRY(const bool held, is_held_by(*backend_));
    if (held)
      return std::vector{fmt::format("nothing: {} holds tunnel {} already", backend_->name(), request_.name.text())};
  }
  leave_out_weaker(passed_over_, *backend_);
  HOLDFAST_TRY(const auto runtime_dir, runtime_directory_for(*backend_, false));
  HOLDFAST_TRY(tunnel_, wanted(*backend_, runtime_dir));
  tell_choice();

  std::vector<std::string> lines;
  const auto describe = [&](const backends::Plan& steps) {
    for (const auto& step : steps) lines.push_back(backends::describe(step));
  };
  const auto describe_end = [&](const InstalledJob& old, const backends::Plan& end) -> Result<> {
    describe(end);
    if (old.backend == backend_) return {};
    HOLDFAST_TRY(const auto remove, old.backend->remove(request_.name, paths, host_));
    describe(remove);
    return {};
  };
  const bool over = hands_over();
  if (over) {
    HOLDFAST_CHECK(previous_.prepare_release(host_));
    lines.push_back(fmt::format("write {} (0600), that the tunnel is on its way from {} to {}, until it is there",
                                store::hand_over_file(paths, request_.name).string(), (*previous_.tunnel())->backend,
                                backend_->name()));
  } else {
    for (const auto& old : previous_.installed_jobs()) {
      HOLDFAST_TRY(const auto stop, old.backend->stop(old.job, host_));
      HOLDFAST_CHECK(describe_end(old, stop));
    }
  }
  lines.push_back(fmt::format("write {} ({:04o}), what setup changed besides the tunnel's own files, for remove",
                              store::installation_record_file(paths).string(), paths.file_mode));
  HOLDFAST_TRY(const auto proof, backend_->prove(installed_job().job, host_));
  describe(proof);
  if (over) describe(take_pidfile());
  if (request_.accept_new_host_key && request_.preflight && !(*tunnel_)->known_hosts)
    lines.push_back(fmt::format("write {} ({:04o}), the bastion's host key, if it is not known here yet",
                                pin_file(request_.name, paths).string(), paths.file_mode));
  HOLDFAST_TRY(const auto steps, install_plan());
  describe(steps);
  HOLDFAST_TRY(const auto start,
               previous_.tunnel() ? start_plan_beside_previous() : backend_->start(installed_job().job, host_));
  describe(start);
  if (over) {
    lines.emplace_back("wait until the new supervisor waits for its turn");
    HOLDFAST_CHECK(describe_end(previous_.installed_jobs().front(), previous_.release_steps()));
  }
  for (auto& line : engine_lines()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace holdfast::tunnels
