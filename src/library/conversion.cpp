#include "library/conversion.hpp"

namespace holdfast::library {
namespace {

using Reason = Failure::Reason;

Reason reason_of(ExitStatus status) {
  switch (status) {
    case ExitStatus::usage:
      return Reason::usage;
    case ExitStatus::not_up:
      return Reason::not_up;
    case ExitStatus::no_such_tunnel:
      return Reason::no_such_tunnel;
    case ExitStatus::no_backend:
      return Reason::no_backend;
    case ExitStatus::interrupted:
      return Reason::cancelled;
    case ExitStatus::done:
    case ExitStatus::failed:
      break;
  }
  return Reason::failed;
}

Status::State state_of(store::TunnelState state) {
  switch (state) {
    case store::TunnelState::up:
      return Status::State::up;
    case store::TunnelState::degraded:
      return Status::State::degraded;
    case store::TunnelState::connecting:
      return Status::State::connecting;
    case store::TunnelState::waiting:
      return Status::State::waiting;
    case store::TunnelState::standby:
      return Status::State::standby;
    case store::TunnelState::failed:
      return Status::State::failed;
    case store::TunnelState::stopped:
      break;
  }
  return Status::State::stopped;
}

Status::Forward::State state_of(store::ForwardState state) {
  using State = Status::Forward::State;
  switch (state) {
    case store::ForwardState::up:
      return State::up;
    case store::ForwardState::down:
      return State::down;
    case store::ForwardState::denied:
      return State::denied;
    case store::ForwardState::busy:
      return State::busy;
    case store::ForwardState::pending:
      break;
  }
  return State::pending;
}

Status::Forward::Bound bound_of(store::Bound bound) {
  using Bound = Status::Forward::Bound;
  switch (bound) {
    case store::Bound::unknown:
      break;
    case store::Bound::loopback:
      return Bound::loopback;
    case store::Bound::all:
      return Bound::all;
  }
  return Bound::unknown;
}

Status::Endurance endurance_of(const Survival& survival) {
  using Kind = Status::Endurance::Kind;
  switch (survival.kind) {
    case Survival::Kind::no:
      break;
    case Survival::Kind::at_login:
      return {Kind::at_login, {}};
    case Survival::Kind::within:
      return {Kind::within, survival.bound};
    case Survival::Kind::yes:
      return {Kind::yes, {}};
  }
  return {Kind::no, {}};
}

Status::Backend backend_of(const tunnels::TunnelStatus::Backend& backend) {
  Status::Backend out{backend.name, backend.installed, backend.running, {}, {}, {}};
  if (backend.survives) {
    out.crash = endurance_of(backend.survives->crash);
    out.logout = endurance_of(backend.survives->logout);
    out.reboot = endurance_of(backend.survives->reboot);
  }
  return out;
}

}  // namespace

Failure failure_of(const Error& error) {
  return {reason_of(error.status), error.class_text(), error.line(), error.hint};
}

Status status_of(const tunnels::TunnelStatus& status) {
  Status out;
  out.name = status.name;
  if (status.state) out.state = state_of(*status.state);
  out.verified = status.verified;
  out.since = status.since;
  out.host = status.host;
  out.bastion = status.bastion;
  out.bastions = status.bastions;
  out.engine = status.engine;
  for (const auto& forward : status.forwards)
    out.forwards.push_back({forward.listen, forward.target,
                            forward.state ? std::optional(state_of(*forward.state)) : std::nullopt,
                            bound_of(forward.bound)});
  out.backend = backend_of(status.backend);
  out.supervisor_pid = status.supervisor.pid;
  out.ssh_pid = status.ssh_pid;
  if (status.rtt_ms) out.round_trip = std::chrono::duration<double, std::milli>(*status.rtt_ms);
  out.reconnects = status.reconnects;
  out.next_attempt = status.next_attempt;
  if (const auto& failure = status.last_error)
    out.last_error = Status::Error{std::string(to_text(failure->diagnosis.failure)), failure->diagnosis.message,
                                   failure->diagnosis.hint, failure->at};
  return out;
}

}  // namespace holdfast::library
