#include "supervisor/report/journal.hpp"

#include "core/text.hpp"
#include "core/timestamp.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

using store::TunnelState;

bool is_journal(int descriptor, const os::Host& host) {
  struct stat status {};
  const auto stream = host.env("JOURNAL_STREAM");
  return stream && ::fstat(descriptor, &status) == 0 && *stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

}  // namespace

Transitions::Kind Transitions::kind_of(const View& view) noexcept {
  switch (view.state) {
    case TunnelState::up:
      return Kind::up;
    case TunnelState::degraded:
      return Kind::degraded;
    case TunnelState::failed:
      return Kind::failed;
    case TunnelState::standby:
      return Kind::standby;
    case TunnelState::stopped:
      return Kind::stopped;
    case TunnelState::connecting:
    case TunnelState::waiting:
      break;
  }
  return Kind::down;
}

std::optional<JournalLine> Transitions::next(const View& view, TimePoint now, const std::string& ports) {
  if (!since_) since_ = now;
  const auto kind = kind_of(view);
  const bool worked = kind_ == Kind::up || kind_ == Kind::degraded;
  const bool works = kind == Kind::up || kind == Kind::degraded;
  // An attempt that follows another one.
  if (view.state == TunnelState::connecting && !worked) return std::nullopt;
  const auto failure = view.last_error ? std::optional(view.last_error->failure) : std::nullopt;
  if (kind == kind_ && (kind == Kind::up || !failure || failure == failure_)) return std::nullopt;
  auto line = line_of(kind, view, now, ports);
  if (works != worked) since_ = now;
  kind_ = kind;
  failure_ = failure;
  errors_ = view.errors;
  return line;
}

std::string Transitions::duration(TimePoint now) const {
  return duration_text(std::chrono::duration_cast<std::chrono::seconds>(now - *since_));
}

JournalLine Transitions::line_of(Kind kind, const View& view, TimePoint now, const std::string& ports) const {
  const bool worked = kind_ == Kind::up || kind_ == Kind::degraded;
  const bool has_error = view.last_error && view.errors != errors_;
  auto why =
      has_error ? fmt::format("{}: {}", to_text(view.last_error->failure), view.last_error->message) : view.reason;
  if (has_error && !view.last_error->hint.empty()) why += fmt::format(" ({})", view.last_error->hint);
  const auto end = worked ? ", after " + duration(now) + " up" : std::string();
  switch (kind) {
    case Kind::up:
      return {LOG_INFO, fmt::format("up: {}, {}{}", ports, view.verified ? "verified end to end" : "not verified",
                                    worked ? "" : ", after " + duration(now) + " down")};
    case Kind::degraded:
      return {LOG_WARNING, "degraded: " + why};
    case Kind::failed:
      return {LOG_ERR, fmt::format("failed{}: {}", end, why)};
    case Kind::standby:
      return {LOG_INFO, fmt::format("standing by{}: {}", end, why)};
    case Kind::stopped:
      return {LOG_INFO, "stopped" + end};
    case Kind::none:
    case Kind::down:
      break;
  }
  return {has_error ? LOG_WARNING : LOG_INFO, fmt::format("down{}: {}", end, why)};
}

Journal::Journal(const os::Host& host) : is_connected_(is_journal(STDERR_FILENO, host)) {}

void Journal::publish(const View& view, TimePoint now, const std::string& ports) {
  if (!is_connected_) return;
  const auto line = transitions_.next(view, now, ports);
  if (!line) return;
  // "<4>" is the priority, sd-daemon(3). A journal that does not read must not stop the tunnel.
  const auto text = fmt::format("<{}>{}\n", line->priority, printable(line->text));
  [[maybe_unused]] const auto sent = ::send(STDERR_FILENO, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace holdfast::supervisor
