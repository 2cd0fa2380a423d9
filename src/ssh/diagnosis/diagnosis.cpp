#include "ssh/diagnosis/diagnosis.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/login_log.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace holdfast::ssh {
namespace {

// "debug1: " to "debug3: "
bool is_debug(std::string_view line) noexcept {
  return line.size() >= 8 && line.substr(0, 5) == "debug" && line.substr(6, 2) == ": ";
}

bool begins_with(std::string_view line, std::string_view start) noexcept {
  return line.substr(0, start.size()) == start;
}

/// What one text of ssh's own comes to.
struct Reading {
  std::optional<Message> verdict;  ///< the last of the heaviest
  std::vector<Message> circumstances;
  std::string_view offending;
  std::string_view last;       ///< the last line that is not known
  bool through_proxy = false;  ///< "Connection closed by UNKNOWN port 65535": a ProxyCommand or ProxyJump
};

Reading read(std::string_view text) {
  Reading reading;
  const auto lines = lines_of(text);
  for (const std::string_view line : lines) {
    if (is_debug(line)) continue;
    if (begins_with(line, "Offending ")) reading.offending = line;
    if (line.find(" UNKNOWN port 65535") != std::string_view::npos) reading.through_proxy = true;
    auto message = recognise(line);
    if (!message) reading.last = line;
    if (!message || message->weight == Weight::remark) continue;
    // Up to 8.4 ssh ended on a bad value without a "terminating" line: such a line is then the very last one.
    if (message->failure == FailureClass::config && line.data() == lines.back().data())
      message->weight = Weight::decisive;
    if (message->weight == Weight::circumstance) {
      reading.circumstances.push_back(*message);
      continue;
    }
    // A consequence never displaces what it follows from: the first one names the cause best.
    const bool replaces = !reading.verdict || message->weight < reading.verdict->weight ||
                          (message->weight == Weight::decisive && reading.verdict->weight == Weight::decisive);
    if (replaces) reading.verdict = message;
  }
  return reading;
}

bool is_remark(std::string_view line) noexcept {
  const auto message = recognise(line);
  return message && message->weight == Weight::remark;
}

// Of stderr only what ssh itself puts there before the log is open, and only when it names what this tunnel gave it.
// A banner comes later than all of these.
std::optional<Message> own_warning(std::string_view err, const Tunnel& tunnel) {
  auto lines = lines_of(err);
  lines.erase(lines.begin(), std::find_if_not(lines.begin(), lines.end(), is_remark));
  if (lines.empty()) return std::nullopt;
  auto message = recognise(lines.front());
  if (!message) return std::nullopt;
  if (begins_with(message->line, "Warning: Identity file ")) {
    const bool ours =
        tunnel->identity && between(message->line, "Identity file ", " not accessible: ") == tunnel->identity->native();
    return ours ? message : std::nullopt;
  }
  if (begins_with(message->line, "command-line") || begins_with(message->line, "command line")) {
    // Of an option on its command line ssh says no more than this, and ends.
    if (lines.size() != 1 || message->failure != FailureClass::config) return std::nullopt;
    message->weight = Weight::decisive;
    return message;
  }
  if (begins_with(message->line, "No user exists for uid ") || begins_with(message->line, "Couldn't open logfile "))
    return lines.size() == 1 ? message : std::nullopt;
  return std::nullopt;
}

// How an established connection ended is not in the log: ssh writes it to stderr as its very last words (quit_message
// in its clientloop.c). A stranger who imitates the line says no more than that the connection is at its end.
std::optional<Message> last_words(std::string_view err) {
  const auto lines = lines_of(err);
  if (lines.empty()) return std::nullopt;
  const auto message = recognise(lines.back());
  // client_wait_until_can_do_something there: what was wrong with ssh itself.
  if (begins_with(lines.back(), "select: ") || begins_with(lines.back(), "poll: "))
    return Message{FailureClass::unknown, Weight::decisive, lines.back()};
  const bool about_the_end =
      message && message->weight == Weight::decisive &&
      (message->failure == FailureClass::closed || message->failure == FailureClass::dead_peer) &&
      (begins_with(message->line, "Connection to ") || begins_with(message->line, "Read from remote host "));
  return about_the_end ? message : std::nullopt;
}

// A jump host's ssh has no log of its own: its last words are in our stderr, and they are why the proxy closed.
std::optional<Message> proxy_verdict(std::string_view err) {
  const Reading reading = read(err);
  return reading.verdict && reading.verdict->weight == Weight::decisive ? reading.verdict : std::nullopt;
}

/// True when a circumstance of class `reason` explains an end of class `failure`.
bool explains(FailureClass reason, FailureClass failure) noexcept {
  switch (reason) {
    case FailureClass::config:
      return failure == FailureClass::config;
    case FailureClass::host_key_changed:
      return failure == FailureClass::host_key_unknown || failure == FailureClass::host_key_changed;
    default:
      return failure == FailureClass::auth;
  }
}

const Message* find_reason(const Reading& reading, FailureClass failure) noexcept {
  const auto found = std::find_if(reading.circumstances.begin(), reading.circumstances.end(),
                                  [&](const Message& one) { return explains(one.failure, failure); });
  return found == reading.circumstances.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Diagnosis> diagnose(const Said& said, const Tunnel& tunnel) {
  Reading reading = read(said.log);
  const auto warning = own_warning(said.err, tunnel);
  if (warning && warning->weight == Weight::circumstance)
    reading.circumstances.insert(reading.circumstances.begin(), *warning);
  if (!reading.verdict && warning && warning->weight == Weight::decisive) reading.verdict = warning;
  if (!reading.verdict || reading.verdict->weight != Weight::decisive)
    if (const auto end = last_words(said.err)) reading.verdict = end;
  if (reading.through_proxy && reading.verdict && reading.verdict->failure == FailureClass::closed)
    if (const auto closer = proxy_verdict(said.err)) reading.verdict = closer;

  if (!reading.verdict) {
    if (said.ended_by_signal) return std::nullopt;
    if (reading.last.empty()) return std::nullopt;
    return make_diagnosis(FailureClass::unknown, tunnel, Evidence{.line = reading.last});
  }
  const std::string offered = read_login_log(said.log).host_key;
  Evidence evidence{.line = reading.verdict->line, .offending = reading.offending, .offered = offered};
  FailureClass failure = reading.verdict->failure;
  if (const Message* reason = find_reason(reading, failure)) {
    evidence.circumstance = reason->line;
    failure = reason->failure;
  }
  return make_diagnosis(failure, tunnel, evidence);
}

bool was_ended_by_signal(int exit_code) noexcept {
  constexpr int k_signal = 128;
  constexpr int k_highest = 64;
  return exit_code == 0 || (exit_code > k_signal && exit_code <= k_signal + k_highest);
}

ProcessEnd process_end(std::optional<int> exit_code, const Said& said) {
  const auto lines = lines_of(said.err);
  return {.exit_code = exit_code, .err_line = lines.empty() ? "" : std::string(lines.back())};
}

Diagnosis explain_silent_end(std::string_view program, const ProcessEnd& end) {
  constexpr std::size_t k_longest_line = 300;
  std::string message = fmt::format("{} ended", program);
  if (end.exit_code == 0) {
    message = fmt::format("{} was told to end (SIGTERM)", program);
  } else if (end.exit_code && was_ended_by_signal(*end.exit_code)) {
    message = fmt::format("{} was killed by signal {}", program, *end.exit_code - 128);
  } else {
    if (end.exit_code) message = fmt::format("{} exited with status {}", program, *end.exit_code);
    message += end.err_line.empty() ? " and gave no reason"
                                    : "; the last line on stderr: " + printable(end.err_line.substr(0, k_longest_line));
  }
  return Diagnosis{FailureClass::closed, std::move(message), {}};
}

Diagnosis explain(FailureClass failure, const Tunnel& tunnel) { return make_diagnosis(failure, tunnel, Evidence{}); }

Diagnosis explain(FailureClass failure, const Tunnel& tunnel, const Forward& forward) {
  return make_diagnosis(failure, tunnel, Evidence{.forward = forward});
}

bool says_forward_denied(std::string_view log) noexcept {
  for (const std::string_view line : {std::string_view("debug1: Remote: Server has disabled port forwarding."),
                                      std::string_view("debug1: Remote: port forwarding refused")})
    if (log.find(line) != std::string_view::npos) return true;
  return log.find("administratively prohibited") != std::string_view::npos;
}

}  // namespace holdfast::ssh
