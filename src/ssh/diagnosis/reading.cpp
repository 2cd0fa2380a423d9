#include "ssh/diagnosis/reading.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::ssh {
namespace {

// "debug1: " to "debug3: "
bool is_debug(std::string_view line) noexcept {
  return line.size() >= 8 && line.starts_with("debug") && line.substr(6, 2) == ": ";
}

constexpr std::string_view k_connect_error = "debug1: connect to address ";

/// Whether `next` replaces `verdict`. Of consequences the first is closest to the cause.
bool replaces(const std::optional<Message>& verdict, const Message& next, Decisive decisive) noexcept {
  if (!verdict || next.weight < verdict->weight) return true;
  return decisive == Decisive::last && next.weight == Weight::decisive && verdict->weight == Weight::decisive;
}

/// True when a circumstance of class `reason` explains an end of class `failure`.
bool explains(FailureClass reason, FailureClass failure) noexcept {
  switch (reason) {
    case FailureClass::config:
    case FailureClass::unreachable:
      return failure == reason;
    case FailureClass::certificate:
      return failure == FailureClass::host_key_unknown;
    case FailureClass::host_key_changed:
      return failure == FailureClass::host_key_unknown || failure == FailureClass::host_key_changed;
    default:
      return failure == FailureClass::auth;
  }
}

/// How much an error of one address says about the bastion: an answer counts more than silence, and silence more than
/// a missing route.
int significance(FailureClass failure) noexcept {
  if (failure == FailureClass::refused) return 2;
  return failure == FailureClass::timeout ? 1 : 0;
}

}  // namespace

Reading read_messages(std::string_view text, Decisive decisive) {
  Reading reading;
  const auto lines = lines_of(text);
  for (const std::string_view line : lines) {
    if (line.starts_with(k_connect_error)) reading.connect_errors.push_back(line);
    if (is_debug(line)) continue;
    if (line.starts_with("Offending ")) reading.offending = line;
    if (line.find(" UNKNOWN port 65535") != std::string_view::npos) reading.through_proxy = true;
    auto message = recognise(line);
    if (!message) reading.last = line;
    if (!message || message->weight == Weight::remark) continue;
    // ssh up to 8.4 ends on a bad value without a "terminating" line: the complaint is then the last line.
    if (message->failure == FailureClass::config && line.data() == lines.back().data())
      message->weight = Weight::decisive;
    if (message->weight == Weight::circumstance)
      reading.circumstances.push_back(*message);
    else if (replaces(reading.verdict, *message, decisive))
      reading.verdict = message;
  }
  return reading;
}

const Message* find_reason(const Reading& reading, FailureClass failure) noexcept {
  const auto found = std::ranges::find_if(reading.circumstances,
                                          [&](const Message& message) { return explains(message.failure, failure); });
  return found == reading.circumstances.end() ? nullptr : &*found;
}

std::string better_connect_error(const Reading& reading) {
  if (!reading.verdict || !reading.verdict->line.starts_with("ssh: connect to host ")) return {};
  std::string best;
  int highest = significance(reading.verdict->failure);
  for (std::string_view line : reading.connect_errors) {
    line.remove_prefix(k_connect_error.size());
    std::string message = fmt::format("ssh: connect to host {}", line);
    const auto meaning = recognise(message);
    if (!meaning || significance(meaning->failure) <= highest) continue;
    highest = significance(meaning->failure);
    best = std::move(message);
  }
  return best;
}

}  // namespace holdfast::ssh
