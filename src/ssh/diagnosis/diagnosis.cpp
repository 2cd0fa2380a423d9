#include "ssh/diagnosis/diagnosis.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/diagnosis/jump_host.hpp"
#include "ssh/diagnosis/login_log.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/diagnosis/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::ssh {
namespace {

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

// sshd closes the connection after a message of PAM: /etc/nologin, an expired account. The text is the server's own and
// proves nothing but that it has something to say.
std::string_view server_text(const SshOutput& output, const Message& verdict) {
  const bool closed_before_login =
      verdict.weight == Weight::consequence && verdict.line.starts_with("Connection closed by ");
  return closed_before_login ? trim(output.err) : std::string_view();
}

}  // namespace

std::optional<Diagnosis> diagnose(const SshOutput& output, const Tunnel& tunnel) {
  Reading reading = read_messages(output.log);
  const std::string connect_error = better_connect_error(reading);
  if (!connect_error.empty()) reading.verdict = recognise(connect_error);
  const auto early = early_message(output.err, tunnel);
  if (early && early->weight == Weight::circumstance)
    reading.circumstances.insert(reading.circumstances.begin(), *early);
  if (!reading.verdict && early && early->weight == Weight::decisive) reading.verdict = early;
  if (!reading.verdict || reading.verdict->weight != Weight::decisive)
    if (const auto end = final_message(output.err)) reading.verdict = end;
  if (reading.through_proxy && reading.verdict && reading.verdict->failure == FailureClass::closed)
    if (auto jump = diagnose_jump_host(output, tunnel)) return jump;

  if (!reading.verdict) {
    if (output.ended_by_signal || reading.last.empty()) return std::nullopt;
    return make_diagnosis(FailureClass::unknown, tunnel, Evidence{.line = reading.last});
  }
  const LoginProgress progress = read_login_log(output.log);
  Evidence evidence{.line = reading.verdict->line,
                    .offending = reading.offending,
                    .offered = progress.host_key,
                    .address = progress.address,
                    .last_address = output.last_address,
                    .certificate = progress.host_certificate,
                    .said = server_text(output, *reading.verdict),
                    .now = output.at,
                    .offers_no_key = progress.offers_no_key,
                    .has_no_key = progress.has_no_key,
                    .log_is_verbose = progress.is_verbose};
  FailureClass failure = evidence.said.empty() ? reading.verdict->failure : FailureClass::account;
  if (const Message* reason = find_reason(reading, failure)) {
    evidence.circumstance = reason->line;
    failure = reason->failure;
  }
  if (failure == FailureClass::auth) failure = refine_auth(evidence, tunnel);
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
