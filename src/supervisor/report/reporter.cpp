#include "supervisor/report/reporter.hpp"

#include "core/text.hpp"
#include "os/boot_clock.hpp"
#include "store/exposure.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace holdfast::supervisor {
namespace {

using store::TunnelState;

std::string ports_of(const store::LiveState& live) {
  std::string text;
  for (const auto& forward : live.forwards) text += (text.empty() ? "" : ", ") + forward.listen;
  return text;
}

// A small change of the round trip is not worth a write at every probe.
bool is_near(const std::optional<double>& published, const std::optional<double>& now) {
  if (!published || !now) return published == now;
  return std::abs(*published - *now) <= std::max(2.0, *published / 4);
}

}  // namespace

Reporter::Reporter(os::Host& host, const store::Paths& paths, const TunnelName& name, fs::path live_file,
                   const ServiceManager& manager)
    : host_(host),
      paths_(paths),
      name_(name),
      live_file_(std::move(live_file)),
      live_mode_(paths.scope == Scope::system ? 0644 : 0600),
      manager_(manager),
      journal_(host),
      log_(paths.state_file(name, "log")),
      history_(paths.state_file(name, "history")),
      uptime_(host, paths.state_file(name, "uptime")) {
  if (const auto self = host.process(::getpid())) live_.supervisor = *self;
  live_.since = host.wall_now();
  live_.version = HOLDFAST_VERSION;
  live_.program = host.self().string();
}

void Reporter::set_tunnel(const Tunnel& tunnel) {
  live_.bastion = tunnel->bastion.text();
  live_.engine = to_text(tunnel->engine);
  live_.forwards.clear();
  for (const Forward& forward : tunnel->forwards)
    live_.forwards.push_back({end_text(forward.listen()), end_text(forward.target()), store::ForwardState::pending});
  ++live_.generation;
}

void Reporter::log(std::string_view line) { log_.write(host_.wall_now(), line); }

void Reporter::publish(const View& view) {
  uptime_.publish(view);
  const auto now = host_.wall_now();
  store::follow_clock(live_, now - os::since_boot());
  // The host may have been renamed: the processes still belong to it.
  live_.supervisor.host = host_.hostname();
  if (live_.ssh) live_.ssh->host = live_.supervisor.host;
  live_.next_attempt.reset();
  if (view.next_attempt)
    live_.next_attempt = now + std::chrono::duration_cast<std::chrono::milliseconds>(*view.next_attempt - host_.now());
  if (!view.last_error) live_.last_error.reset();
  if (view.errors != published_errors_ && view.last_error) {
    published_errors_ = view.errors;
    live_.last_error = store::LastError{*view.last_error, now};
    log(fmt::format("{}: {}", to_text(view.last_error->failure), view.last_error->message));
  }
  if (live_.state != view.state) {
    (void)history_.append({now, live_.state, view.state, view.reason});  // a full disk must not stop the tunnel
    log(transition_line(view));
    live_.since = now;
    live_.state = view.state;
  }
  journal_.publish(view, host_.now(), fmt::format("{} of {}", ports_of(live_), live_.bastion));
  live_.verified = view.verified;
  if (!is_near(live_.rtt_ms, view.rtt_ms)) live_.rtt_ms = view.rtt_ms;
  live_.reconnects = view.reconnects;
  for (std::size_t at = 0; at < std::min(live_.forwards.size(), view.forwards.size()); ++at)
    live_.forwards[at].state = view.forwards[at];
  apply_bounds();
  write_live_state();
  keep_processes();
  std::string status = status_line(view);
  if (status != published_status_) {
    manager_.status(status);
    terminal_.show(now, status);
    published_status_ = std::move(status);
  }
}

// Without ssh nothing is bound.
void Reporter::apply_bounds() {
  for (auto& forward : live_.forwards) {
    const auto found = bounds_.find(forward.listen);
    forward.bound = found == bounds_.end() || !live_.ssh ? store::Bound::unknown : found->second;
  }
}

void Reporter::write_live_state() {
  std::string text = store::format_live_state(live_);
  if (text == published_) return;
  if (host_.write_volatile_file(live_file_, text, live_mode_)) {
    published_ = std::move(text);
    return;
  }
  (void)host_.remove_file(live_file_);  // no state is better than an old one
  published_.clear();
}

/// Twice a login. A state directory that cannot be written must not stop the tunnel.
void Reporter::keep_processes() {
  const store::KeptProcesses now{live_.supervisor, live_file_.parent_path(), live_.ssh, live_.autossh};
  if (kept_ == now) return;
  if (store::keep_processes(host_, paths_, name_, now)) kept_ = now;
}

void Reporter::set_bounds(std::map<std::string, store::Bound> bounds) {
  for (const auto& [listen, bound] : bounds) {
    const auto before = bounds_.find(listen);
    if (before != bounds_.end() && before->second == bound) continue;
    if (const auto exposure = store::exposure_of(listen, bound))
      log(fmt::format("warning: {}; {}", exposure->message, exposure->hint));
  }
  bounds_ = std::move(bounds);
  apply_bounds();
  if (!published_.empty()) write_live_state();
}

void Reporter::publish_again() {
  if (!published_.empty()) (void)host_.write_volatile_file(live_file_, published_, live_mode_);
}

std::string Reporter::transition_line(const View& view) const {
  std::string line(to_text(view.state));
  const bool is_logged = view.last_error && view.last_error->message == view.reason;
  if (!is_logged && view.reason != line) line += ": " + view.reason;
  if (live_.next_attempt) line += ", next attempt at " + to_rfc3339(*live_.next_attempt);
  return line;
}

// For `systemctl status`: without figures that change at each probe.
std::string Reporter::status_line(const View& view) const {
  switch (view.state) {
    case TunnelState::up:
      return fmt::format("up: {} of {}{}", ports_of(live_), live_.bastion,
                         view.verified ? ", verified end to end" : ", not verified end to end");
    case TunnelState::connecting:
      return fmt::format("connecting to {}", live_.bastion);
    case TunnelState::standby:
      return fmt::format("standing by: {}", view.reason);
    case TunnelState::degraded:
    case TunnelState::waiting:
    case TunnelState::failed: {
      std::string line = fmt::format("{}: {}", to_text(view.state), view.reason);
      if (live_.next_attempt) line += fmt::format(", next attempt at {}", to_rfc3339(*live_.next_attempt));
      if (view.last_error && !view.last_error->hint.empty()) line += fmt::format(" ({})", view.last_error->hint);
      return line;
    }
    case TunnelState::stopped:
      return "stopped";
  }
  return {};
}

}  // namespace holdfast::supervisor
