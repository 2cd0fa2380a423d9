#include "supervisor/probe/probe_result.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using ssh::mux::ProbeAnswer;
using store::ForwardState;
using Found = TargetConnections::Found;
using Kind = ProbeAnswered::Kind;

/// 0 is the best.
int severity(Kind kind) {
  switch (kind) {
    case Kind::verified:
      return 0;
    case Kind::unproven:
      return 1;
    case Kind::target_down:
      return 2;
    case Kind::lost:
      return 3;
    case Kind::silent:
      return 4;
  }
  return 4;
}

ForwardResult unproven(std::string message, std::string hint) {
  return {Kind::unproven, ForwardState::up,
          Diagnosis{FailureClass::forward_denied, std::move(message), std::move(hint)}};
}

ForwardResult target_down(Diagnosis why) { return {Kind::target_down, ForwardState::down, std::move(why)}; }

ForwardResult not_accepting(const Tunnel& tunnel, const Forward& forward) {
  return target_down(ssh::explain(FailureClass::target_down, tunnel, forward));
}

/// `said`: what the target sent before it closed the connection; may be empty. It may contain any byte.
ForwardResult refusing(const Forward& forward, std::string_view said) {
  constexpr std::size_t k_longest = 80;
  const std::string line = printable(first_line(said).substr(0, k_longest));
  std::string message = fmt::format("the target {} accepts connections and closes them at once{}{}",
                                    end_text(forward.target()), line.empty() ? "" : ", after: ", line);
  const bool is_full = said.find("Exceeded MaxStartups") != std::string_view::npos;
  return target_down({FailureClass::target_down, std::move(message),
                      is_full ? "raise MaxStartups in its sshd_config"
                              : "read the log of its service; an sshd that penalises this machine needs "
                                "PerSourcePenaltyExemptList 127.0.0.1,::1 in its sshd_config"});
}

ForwardResult not_ssh(const Forward& forward) {
  return target_down(
      {FailureClass::target_down,
       fmt::format("the target {} accepts connections, but sends no ssh banner", end_text(forward.target())),
       "check the service there: it may hang, or not be an sshd"});
}

ForwardResult held_by_others(const End& dialled) {
  return {Kind::target_down, ForwardState::busy,
          Diagnosis{FailureClass::forward_busy,
                    fmt::format("{} on the bastion leads to another process or an old session, not to this tunnel",
                                end_text(dialled)),
                    "use another port, or end the process that has this one"}};
}

ForwardResult unseen(const Forward& forward) {
  return unproven(fmt::format("/proc does not show whether this tunnel's ssh connects to {}, so the tunnel is not "
                              "verified end to end",
                              end_text(forward.target())),
                  std::holds_alternative<SocketEnd>(forward.target())
                      ? "give the path that the service itself binds: ss -xl shows it"
                      : "make /proc/PID/fd of its own processes readable for the tunnel's user");
}

}  // namespace

// "channel 2: open failed: connect failed: Connection refused", serverloop.c and channels.c of openssh-portable.
OpenFailure classify_open_failure(std::string_view log_lines) noexcept {
  if (log_lines.find("administratively prohibited") != std::string_view::npos) return OpenFailure::prohibited;
  if (log_lines.find("open failed: connect failed: Connection refused") != std::string_view::npos ||
      log_lines.find("open failed: connect failed: open failed") != std::string_view::npos ||
      log_lines.find("open failed: connect failed: No such file") != std::string_view::npos)
    return OpenFailure::nobody_listens;
  return OpenFailure::other;
}

// "connect_to localhost port 9: failed.", "connect_to db: unknown host (…)", channels.c of openssh-portable.
bool says_connect_failed(std::string_view log_lines, const End& target) {
  const auto* tcp = std::get_if<TcpEnd>(&target);
  const std::string host = tcp != nullptr ? tcp->host : std::get<SocketEnd>(target).path;
  if (log_lines.find(fmt::format("connect_to {}: unknown host", host)) != std::string_view::npos) return true;
  const std::string port = tcp != nullptr ? fmt::format("{}: ", tcp->port) : "";
  return log_lines.find(fmt::format("connect_to {} port {}", host, port)) != std::string_view::npos;
}

ForwardResult result_of(const Observation& seen, const Tunnel& tunnel, const Forward& forward) {
  const bool is_open = seen.answer.kind == ProbeAnswer::Kind::open;
  switch (seen.answer.kind) {
    case ProbeAnswer::Kind::closed:
      if (seen.connect_failed) return not_accepting(tunnel, forward);
      return refusing(forward, seen.answer.spoke ? std::string_view(seen.answer.reason) : std::string_view());
    case ProbeAnswer::Kind::silent:
      if (seen.found == Found::none && !is_name(forward.target())) return held_by_others(seen.dialled);
      return seen.found == Found::connecting ? not_accepting(tunnel, forward) : not_ssh(forward);
    case ProbeAnswer::Kind::banner:
    case ProbeAnswer::Kind::open:
      switch (seen.found) {
        case Found::connected:
          return {Kind::verified, ForwardState::up, {}};
        case Found::unknown:
          return unseen(forward);
        case Found::connecting:
          return not_accepting(tunnel, forward);
        case Found::none:
          // ssh may still resolve the name.
          return is_open && is_name(forward.target()) ? not_accepting(tunnel, forward) : held_by_others(seen.dialled);
      }
      break;
    case ProbeAnswer::Kind::refused:
    case ProbeAnswer::Kind::no_reply:
      break;
  }
  return {Kind::silent, ForwardState::down,
          Diagnosis{FailureClass::timeout, "the bastion did not connect to its " + end_text(seen.dialled) + " in time",
                    "check the bastion's firewall"}};
}

ForwardResult forbidden(const End& dialled) {
  if (std::holds_alternative<SocketEnd>(dialled))
    return unproven("the bastion forbids connections to its socket " + end_text(dialled) +
                        ", so the tunnel cannot be verified end to end",
                    "allow it on the bastion: AllowStreamLocalForwarding yes in its sshd_config, and port-forwarding "
                    "for this key in authorized_keys");
  return unproven(
      "the bastion forbids connections to " + end_text(dialled) + ", so the tunnel cannot be verified end to end",
      "allow it for this key on the bastion: permitopen=\"" + end_text(dialled) + "\" in authorized_keys");
}

ForwardResult lost(const Forward& forward) {
  return {
      Kind::lost, ForwardState::down,
      Diagnosis{
          FailureClass::closed, "nothing listens on " + end_text(forward.listen()) + " on the bastion any more", {}}};
}

ForwardResult not_granted(const Forward& forward) {
  return unproven(
      fmt::format("the bastion listens on its loopback address only, not on {}", end_text(forward.listen())),
      "set GatewayPorts clientspecified in the bastion's sshd_config, and restart the tunnel");
}

ProbeAnswered combine(std::vector<ForwardResult> results) {
  ProbeAnswered answer;
  answer.kind = Kind::verified;
  const bool is_silent =
      std::ranges::all_of(results, [](const ForwardResult& one) { return one.kind == Kind::silent; });
  if (is_silent) return {};
  for (ForwardResult& one : results) {
    if (one.kind == Kind::silent) one.kind = Kind::target_down;
    answer.forwards.push_back(one.state);
    if (severity(one.kind) <= severity(answer.kind)) continue;
    answer.kind = one.kind;
    answer.why = std::move(one.why);
  }
  return answer;
}

}  // namespace holdfast::supervisor
