#include "ssh/diagnosis/diagnosis.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/login_log.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace holdfast::ssh {
namespace {

// "debug1: " to "debug3: "
bool is_debug(std::string_view line) noexcept {
  return line.size() >= 8 && line.starts_with("debug") && line.substr(6, 2) == ": ";
}

/// The evidence in one output of ssh.
struct Reading {
  std::optional<Message> verdict;  ///< the decisive line, or else the first consequence
  std::vector<Message> circumstances;
  std::string_view offending;
  std::string_view last;       ///< the last unknown line
  bool through_proxy = false;  ///< "Connection closed by UNKNOWN port 65535": a ProxyCommand or ProxyJump
};

Reading read(std::string_view text) {
  Reading reading;
  const auto lines = lines_of(text);
  for (const std::string_view line : lines) {
    if (is_debug(line)) continue;
    if (line.starts_with("Offending ")) reading.offending = line;
    if (line.find(" UNKNOWN port 65535") != std::string_view::npos) reading.through_proxy = true;
    auto message = recognise(line);
    if (!message) reading.last = line;
    if (!message || message->weight == Weight::remark) continue;
    // ssh up to 8.4 ends on a bad value without a "terminating" line: the complaint is then the last line.
    if (message->failure == FailureClass::config && line.data() == lines.back().data())
      message->weight = Weight::decisive;
    if (message->weight == Weight::circumstance) {
      reading.circumstances.push_back(*message);
      continue;
    }
    // The last decisive line wins; of consequences the first is closest to the cause.
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

// A message that ssh writes to stderr before it opens its log. The server's banner comes later. Only messages about
// values that this tunnel passed count.
std::optional<Message> early_message(std::string_view err, const Tunnel& tunnel) {
  auto lines = lines_of(err);
  lines.erase(lines.begin(), std::find_if_not(lines.begin(), lines.end(), is_remark));
  if (lines.empty()) return std::nullopt;
  auto message = recognise(lines.front());
  if (!message) return std::nullopt;
  if (message->line.starts_with("Warning: Identity file ")) {
    const bool ours =
        tunnel->identity && between(message->line, "Identity file ", " not accessible: ") == tunnel->identity->native();
    return ours ? message : std::nullopt;
  }
  if (message->line.starts_with("command-line") || message->line.starts_with("command line")) {
    // ssh ends after this line without another message.
    if (lines.size() != 1 || message->failure != FailureClass::config) return std::nullopt;
    message->weight = Weight::decisive;
    return message;
  }
  if (message->line.starts_with("No user exists for uid ") || message->line.starts_with("Couldn't open logfile "))
    return lines.size() == 1 ? message : std::nullopt;
  return std::nullopt;
}

// ssh writes the end of an established connection only to stderr, as its last line (quit_message in its clientloop.c).
// A server that imitates the line reveals nothing but that the connection ended.
std::optional<Message> final_message(std::string_view err) {
  const auto lines = lines_of(err);
  if (lines.empty()) return std::nullopt;
  const auto message = recognise(lines.back());
  // Internal failures of ssh (client_wait_until_can_do_something in clientloop.c).
  if (lines.back().starts_with("select: ") || lines.back().starts_with("poll: "))
    return Message{FailureClass::unknown, Weight::decisive, lines.back()};
  const bool is_end =
      message && message->weight == Weight::decisive &&
      (message->failure == FailureClass::closed || message->failure == FailureClass::dead_peer) &&
      (message->line.starts_with("Connection to ") || message->line.starts_with("Read from remote host "));
  return is_end ? message : std::nullopt;
}

// The ssh of a jump host has no log of its own. Its messages in our stderr explain why the proxy closed.
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
                                  [&](const Message& message) { return explains(message.failure, failure); });
  return found == reading.circumstances.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Diagnosis> diagnose(const SshOutput& output, const Tunnel& tunnel) {
  Reading reading = read(output.log);
  const auto early = early_message(output.err, tunnel);
  if (early && early->weight == Weight::circumstance)
    reading.circumstances.insert(reading.circumstances.begin(), *early);
  if (!reading.verdict && early && early->weight == Weight::decisive) reading.verdict = early;
  if (!reading.verdict || reading.verdict->weight != Weight::decisive)
    if (const auto end = final_message(output.err)) reading.verdict = end;
  if (reading.through_proxy && reading.verdict && reading.verdict->failure == FailureClass::closed)
    if (const auto closer = proxy_verdict(output.err)) reading.verdict = closer;

  if (!reading.verdict) {
    if (output.ended_by_signal || reading.last.empty()) return std::nullopt;
    return make_diagnosis(FailureClass::unknown, tunnel, Evidence{.line = reading.last});
  }
  const std::string offered = read_login_log(output.log).host_key;
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

ProcessEnd process_end(std::optional<int> exit_code, const SshOutput& output) {
  const auto lines = lines_of(output.err);
  return {.exit_code = exit_code, .err_line = lines.empty() ? "" : std::string(lines.back())};
}

Diagnosis explain_silent_end(std::string_view program, const ProcessEnd& end) {
  constexpr std::size_t k_longest_line = 300;
  std::string message = fmt::format("{} ended", program);
  if (end.exit_code == 0) {
    message = fmt::format("{} ended on SIGTERM", program);
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
  constexpr std::array<std::string_view, 3> k_denials{"debug1: Remote: Server has disabled port forwarding.",
                                                      "debug1: Remote: port forwarding refused",
                                                      "administratively prohibited"};
  return std::ranges::any_of(k_denials,
                             [&](std::string_view text) { return log.find(text) != std::string_view::npos; });
}

}  // namespace holdfast::ssh
