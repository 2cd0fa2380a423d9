#include "backends/apply.hpp"
#include "cli/commands.hpp"
#include "cli/control.hpp"
#include "cli/name_lock.hpp"
#include "cli/ownership.hpp"
#include "cli/scope.hpp"
#include "cli/selection.hpp"
#include "core/text.hpp"
#include "store/hand_over.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds k_patience{30000};

/// What a command does to one tunnel; says what it did.
using Act = Result<ExitStatus> (*)(const store::Entry&, const std::vector<Holder>&, Context&);

Error elsewhere(const store::Entry& entry, const os::Host& host) {
  auto why = explain_elsewhere(*entry.tunnel, host);
  return Error{"reaching", "tunnel " + entry.name.text(), std::move(why.message), std::move(why.hint)};
}

Result<ExitStatus> act_on_one(const TunnelName& name, const store::Places& places, Context& context, Act act) {
  auto& host = context.host;
  HOLDFAST_TRY(const auto lock, NameLock::take(name, places, host));
  const store::Entry entry{name, store::load(host, places, name)};
  if (entry.tunnel && is_elsewhere(*entry.tunnel, host)) return elsewhere(entry, host);
  return act(entry, holders_of(entry, places, host), context);
}

/// Every tunnel gets its turn; the exit status is that of the last that did not go well.
Result<ExitStatus> act_on_all(Context& context, const Arguments& arguments, Act act) {
  HOLDFAST_TRY(const auto places, choose_places(arguments, context.host));
  if (arguments.operands().empty())
    return usage_error("the command line", "the name of a tunnel is missing", "holdfast status lists them");
  HOLDFAST_TRY(const auto names, named_tunnels(arguments.operands(), context.host, places));
  auto status = ExitStatus::done;
  for (const auto& name : names) {
    const auto done = act_on_one(name, places, context, act);
    if (!done) context.terminal.error(done.error());
    const auto now = done ? *done : done.error().status;
    if (now != ExitStatus::done) status = now;
  }
  return status;
}

Result<ExitStatus> tell_arrival(const TunnelName& name, const Arrival& arrival, Context& context) {
  auto& terminal = context.terminal;
  if (arrival.up && arrival.verified) {
    terminal.answer(fmt::format("tunnel {} is up: verified end to end in {} ms", name.text(), arrival.took.count()));
    return ExitStatus::done;
  }
  if (arrival.standing_by) {
    terminal.answer(
        fmt::format("tunnel {} stands by: another host has it, and this one takes over when it lets go", name.text()));
    return ExitStatus::done;
  }
  const auto& failure = arrival.failure;
  if (arrival.up) {
    terminal.answer(fmt::format("tunnel {} is up, but could not be verified end to end{}", name.text(),
                                failure ? ": " + printable(failure->message) : ""));
    return ExitStatus::done;
  }
  const auto cause = failure ? failure->message : fmt::format("nothing was heard for {} s", k_patience.count() / 1000);
  auto error =
      Error{"waiting for", "tunnel " + name.text() + ", which is started", cause,
            failure && !failure->hint.empty() ? failure->hint : "holdfast logs " + name.text(), ExitStatus::not_up};
  return error;
}

std::optional<os::ProcessId> living_supervisor(const Holder& holder, const os::Host& host) {
  const auto live = read_live(holder.job.runtime_dir, holder.job.name, holder.job.places, host);
  if (live && os::is_alive(host, live->supervisor)) return live->supervisor;
  return std::nullopt;
}

/// The one that holds a sound tunnel; the reason why there is none otherwise.
Result<Holder> sole_holder(const store::Entry& entry, const std::vector<Holder>& holders) {
  if (!entry.tunnel) return entry.tunnel.error();
  HOLDFAST_CHECK(backend_of(*entry.tunnel));
  return holders.front();
}

Result<> apply_start(const Holder& holder, os::Host& host) {
  HOLDFAST_TRY(const auto plan, holder.backend->start(holder.job, host));
  auto started = backends::apply(plan, host);
  if (started) return {};
  auto error = std::move(started).error();
  const auto known = query_one(*holder.backend, holder.job, host);
  if (known && !known->installed) {
    error.cause = "it is not installed with " + std::string(holder.backend->name()) + " any more";
    error.hint = "run holdfast setup again";
  }
  return error;
}

Result<ExitStatus> start_one(const store::Entry& entry, const std::vector<Holder>& holders, Context& context) {
  HOLDFAST_TRY(const auto holder, sole_holder(entry, holders));
  if (!living_supervisor(holder, context.host)) HOLDFAST_CHECK(apply_start(holder, context.host));
  HOLDFAST_TRY(const auto arrival, wait_until_up(holder, {}, context.host, k_patience));
  return tell_arrival(entry.name, arrival, context);
}

Result<ExitStatus> stop_one(const store::Entry& entry, const std::vector<Holder>& holders, Context& context) {
  HOLDFAST_TRY(const auto stopped, stop_holders(holders, context.host));
  std::string what = fmt::format("tunnel {} is stopped", entry.name.text());
  if (!stopped.anything()) what = fmt::format("tunnel {} was not running", entry.name.text());
  for (const auto pid : stopped.supervisors) what += fmt::format(", supervisor {} has ended", pid);
  context.terminal.answer(what);
  return ExitStatus::done;
}

Result<ExitStatus> restart_one(const store::Entry& entry, const std::vector<Holder>& holders, Context& context) {
  HOLDFAST_TRY(const auto holder, sole_holder(entry, holders));
  const auto former = living_supervisor(holder, context.host);
  HOLDFAST_CHECK(stop_holders({holder}, context.host));
  HOLDFAST_CHECK(apply_start(holder, context.host));
  HOLDFAST_TRY(const auto arrival, wait_until_up(holder, former, context.host, k_patience));
  return tell_arrival(entry.name, arrival, context);
}

/// While the note is there a supervisor that is stopped leaves its ssh, and the next one waits for it. Under systemd
/// ExecStopPost= sees to that; and root has no note that a tunnel's user would believe.
Result<Arrival> restart_noted(const Holder& holder, const os::ProcessId& former, os::Host& host) {
  const auto& job = holder.job;
  const bool noted = job.places.scope == Scope::user;
  const auto self = host.process(::getpid());
  const std::string backend(holder.backend->name());
  if (noted && self)
    HOLDFAST_CHECK(store::keep_hand_over(host, job.places, job.name, {*self, backend, backend, job.runtime_dir, true}));
  const auto restart = [&]() -> Result<Arrival> {
    HOLDFAST_TRY(const auto plan, holder.backend->restart(job, host));
    HOLDFAST_CHECK(backends::apply(plan, host));
    HOLDFAST_CHECK(release({}, former, host));  // one that was started by hand
    return wait_until_up(holder, former, host, k_patience);
  };
  auto arrival = restart();
  if (noted) HOLDFAST_CHECK(host.remove_file(store::hand_over_file(job.places, job.name)));
  return arrival;
}

Result<ExitStatus> restart_keeping(const store::Entry& entry, const std::vector<Holder>& holders, Context& context) {
  HOLDFAST_TRY(const auto holder, sole_holder(entry, holders));
  auto& host = context.host;
  const auto& job = holder.job;
  const auto before = read_live(job.runtime_dir, job.name, job.places, host);
  const bool half_moved = holders.size() > 1;
  if (half_moved || !before || !os::is_alive(host, before->supervisor)) return restart_one(entry, holders, context);
  HOLDFAST_TRY(const auto arrival, restart_noted(holder, before->supervisor, host));
  const auto after = read_live(job.runtime_dir, job.name, job.places, host);
  if (before->ssh && after && after->ssh != before->ssh)
    context.terminal.warn("its connection could not be kept: the tunnel has connected anew");
  return tell_arrival(entry.name, arrival, context);
}

}  // namespace

const Command& start_command() {
  static const Command command{
      .name = "start",
      .synopsis = "NAME…",
      .summary = "start tunnels that are set up, and wait until they are up",
      .description = "The exit status is 3 when one is started and not up; it goes on trying.",
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) { return act_on_all(context, arguments, start_one); }};
  return command;
}

const Command& stop_command() {
  static const Command command{
      .name = "stop",
      .synopsis = "NAME…",
      .summary = "stop tunnels; they stay installed",
      .description =
          "Returns when the supervisor and its ssh are gone. What starts at boot or login starts again then; "
          "holdfast remove ends that too.",
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) { return act_on_all(context, arguments, stop_one); }};
  return command;
}

const Command& restart_command() {
  static const Command command{
      .name = "restart",
      .synopsis = "[--keep-connection] NAME…",
      .summary = "stop and start tunnels, and wait until they are up",
      .description =
          "Takes over what was changed in a tunnel's file by hand, or a new version of this program.\n"
          "With --keep-connection ssh goes on under the new supervisor, and no session through the tunnel is dropped; "
          "where the file asks for another connection than that, or has a forward less, it connects anew and says so.",
      .options = {{"keep-connection", "", "let ssh go on under the new supervisor"}},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) {
        return act_on_all(context, arguments, arguments.has("keep-connection") ? restart_keeping : restart_one);
      }};
  return command;
}

}  // namespace holdfast::cli
