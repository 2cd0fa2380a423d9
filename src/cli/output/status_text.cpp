#include "cli/output/status_output.hpp"
#include "cli/output/survival_cell.hpp"
#include "cli/output/table.hpp"
#include "core/text.hpp"
#include "store/exposure.hpp"
#include "tunnels/survival_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

using store::TunnelState;

const char* const k_unknown = "-";

Style style_of(const std::optional<TunnelState>& state) {
  if (!state) return Style::dim;
  switch (*state) {
    case TunnelState::up:
      return Style::green;
    case TunnelState::degraded:
    case TunnelState::connecting:
    case TunnelState::waiting:
    case TunnelState::standby:
      return Style::yellow;
    case TunnelState::failed:
      return Style::red;
    case TunnelState::stopped:
      break;
  }
  return Style::dim;
}

Style style_of(store::ForwardState state) {
  switch (state) {
    case store::ForwardState::up:
      return Style::green;
    case store::ForwardState::pending:
      return Style::yellow;
    case store::ForwardState::down:
    case store::ForwardState::denied:
    case store::ForwardState::busy:
      break;
  }
  return Style::red;
}

std::string state_text(const tunnels::TunnelStatus& tunnel) {
  if (!tunnel.state) return "unknown";
  std::string text(store::to_text(*tunnel.state));
  if (tunnel.is_up() && tunnel.verified == false) text += " (unverified)";
  return text;
}

std::string age(const std::optional<WallTime>& since, WallTime now) {
  if (!since) return k_unknown;
  return duration_text(std::chrono::floor<std::chrono::seconds>(now - *since));
}

std::string_view arrow(const Drawing& drawing) { return drawing.utf8 ? "→" : "->"; }

std::string forwards_text(const tunnels::TunnelStatus& tunnel, const Drawing& drawing) {
  if (tunnel.forwards.empty()) return k_unknown;
  constexpr std::size_t k_shown = 2;
  constexpr std::string_view k_default_bind = "127.0.0.1:";  // omitted
  std::string out;
  for (std::size_t i = 0; i < std::min(tunnel.forwards.size(), k_shown); ++i) {
    std::string_view listen = tunnel.forwards[i].listen;
    if (listen.starts_with(k_default_bind)) listen.remove_prefix(k_default_bind.size());
    out += fmt::format("{}{} {} {}", i == 0 ? "" : ", ", printable(listen), arrow(drawing),
                       printable(tunnel.forwards[i].target));
  }
  if (tunnel.forwards.size() > k_shown) out += fmt::format(", {} more", tunnel.forwards.size() - k_shown);
  return out;
}

std::string or_unknown(const std::optional<std::string>& text) { return text ? printable(*text) : k_unknown; }

std::string seconds_until(WallTime time, WallTime now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(time - now);
  return left.count() <= 0 ? "now" : "in " + duration_text(left);
}

/// "the certificate FILE expires in 5 h"
std::string expiry_text(const tunnels::TunnelStatus::Credential& credential, WallTime now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(*credential.expires - now);
  return fmt::format("the certificate {} {}", printable(credential.file),
                     left.count() > 0 ? "expires in " + duration_text(left) : "has expired; renew it");
}

std::string ends_text(const tunnels::TunnelStatus::Forward& forward, const Drawing& drawing) {
  return fmt::format("{} {} {}", printable(forward.listen), arrow(drawing), printable(forward.target));
}

/// While ssh is logged in, a forward is down because its target is.
std::string_view state_text(const tunnels::TunnelStatus& tunnel, const tunnels::TunnelStatus::Forward& forward) {
  if (!forward.state) return "unknown";
  const bool is_open = tunnel.ssh_pid && tunnel.last_error &&
                       tunnel.last_error->diagnosis.failure == FailureClass::target_down &&
                       (tunnel.state == TunnelState::degraded || tunnel.state == TunnelState::waiting);
  if (is_open && *forward.state == store::ForwardState::down) return "waiting for its target";
  return store::to_text(*forward.state);
}

/// The problems of the installation and of the file, and the commands that fix them.
std::vector<std::string> installation_lines(const tunnels::TunnelStatus& tunnel) {
  const auto& [ok, problems, repair] = tunnel.installation;
  std::vector<std::string> lines;
  lines.reserve(problems.size() + tunnel.remarks.size() + 1);
  for (const auto& problem : problems) lines.push_back(printable(problem));
  if (!lines.empty()) lines.push_back("hint: " + printable(repair));
  for (const auto& remark : tunnel.remarks) lines.push_back(printable(remark));
  return lines;
}

void add_exposure(std::vector<std::string>& lines, const tunnels::TunnelStatus::Forward& forward) {
  const auto exposure = store::exposure_of(forward.listen, forward.bound);
  if (!exposure) return;
  lines.push_back("warning: " + printable(exposure->message));
  lines.push_back("hint: " + printable(exposure->hint));
}

/// Why a tunnel is not up, what is wrong with its installation, and what to do: messages below its row.
std::vector<std::string> reasons(const tunnels::TunnelStatus& tunnel, WallTime now, const Drawing& drawing) {
  auto lines = installation_lines(tunnel);
  if (tunnel.elsewhere && !tunnel.renamed) {
    lines.push_back("it belongs to host " + or_unknown(tunnel.host) + ": run holdfast status there");
    return lines;
  }
  if (tunnel.expires_soon(now)) lines.push_back("warning: " + expiry_text(*tunnel.credential, now));
  for (const auto& forward : tunnel.forwards) add_exposure(lines, forward);
  const bool has_bad_file = tunnel.last_error && tunnel.last_error->diagnosis.failure == FailureClass::config;
  if (tunnel.is_up() && tunnel.verified != false && !tunnel.renamed && !has_bad_file) return lines;
  if (tunnel.state == TunnelState::standby)
    lines.emplace_back("another host has the port; this host takes over when the port is free");
  if (tunnel.state == TunnelState::degraded)
    for (const auto& forward : tunnel.forwards)
      if (forward.state != store::ForwardState::up)
        lines.push_back(fmt::format("not working: {}, {}", ends_text(forward, drawing), state_text(tunnel, forward)));
  const bool shows_next = !tunnel.is_up() || !tunnel.last_error;
  if (tunnel.last_error) {
    lines.push_back(printable(tunnel.last_error->diagnosis.message));
    if (const auto& hint = tunnel.last_error->diagnosis.hint; !hint.empty())
      lines.push_back("hint: " + printable(hint));
  }
  if (shows_next && tunnel.next_attempt) lines.push_back("next attempt " + seconds_until(*tunnel.next_attempt, now));
  if (tunnel.state == TunnelState::stopped && !tunnel.last_error)
    lines.push_back("hint: holdfast start " + tunnel.name);
  return lines;
}

std::string survives_text(const std::optional<Survives>& survives) {
  if (!survives) return k_unknown;
  return fmt::format("a crash: {}, a logout: {}, a reboot: {}", survival_cell(survives->crash).text,
                     survival_cell(survives->logout).text, survival_cell(survives->reboot).text);
}

std::string stronger_hint(const tunnels::TunnelStatus& tunnel) {
  if (!tunnel.stronger) return {};
  return fmt::format("\nhint: this host allows {}, which {}: holdfast move {} --backend auto", tunnel.stronger->name,
                     tunnels::survival_gain_text(*tunnel.backend.survives, tunnel.stronger->survives), tunnel.name);
}

std::string hook_text(const std::vector<std::string>& files) {
  if (files.empty()) return "not installed\nhint: holdfast hook --install";
  return fmt::format("in {}", printable(fmt::format("{}", fmt::join(files, ", "))));
}

std::string backend_text(const tunnels::TunnelStatus& tunnel) {
  std::string out = or_unknown(tunnel.backend.name);
  if (tunnel.backend.installed == false) out += ", not installed";
  if (tunnel.backend.running) out += *tunnel.backend.running ? ", running" : ", not running";
  return out;
}

std::string processes_text(const tunnels::TunnelStatus& tunnel) {
  const auto& supervisor = tunnel.supervisor;
  auto out = fmt::format("supervisor {}", *supervisor.pid);
  if (tunnel.ssh_pid) out += fmt::format(", ssh {}", *tunnel.ssh_pid);
  if (!supervisor.update.empty())
    out += fmt::format("\nthe supervisor is holdfast {}, {}; this is holdfast {}\nhint: {}",
                       or_unknown(supervisor.version), or_unknown(supervisor.program), HOLDFAST_VERSION,
                       printable(supervisor.update));
  return out;
}

std::string error_text_of(const tunnels::TunnelStatus::Failure& failure, WallTime now) {
  const auto& diagnosis = failure.diagnosis;
  std::string out = fmt::format("{} ({}{})", printable(diagnosis.message), to_text(diagnosis.failure),
                                failure.at ? ", " + age(failure.at, now) + " ago" : "");
  if (!diagnosis.hint.empty()) out += "\nhint: " + printable(diagnosis.hint);
  return out;
}

std::string round_trip_text(const tunnels::TunnelStatus& tunnel, const Drawing& drawing) {
  std::string out = tunnel.rtt_ms ? fmt::format("{:.1f} ms", *tunnel.rtt_ms) : "";
  if (!tunnel.uptime_summary || !tunnel.uptime_summary->day.rtt) return out;
  const auto& day = tunnel.uptime_summary->day;
  return fmt::format("{}{}{}  {:.1f} to {:.1f} ms in the last day", out, out.empty() ? "" : "\n",
                     sparkline(day, drawing), day.rtt->low_ms, day.rtt->high_ms);
}

std::string reconnects_text(const tunnels::TunnelStatus& tunnel) {
  std::string out = tunnel.reconnects ? fmt::format("{}", *tunnel.reconnects) : "";
  if (!tunnel.uptime_summary || tunnel.uptime_summary->week.reconnects.empty()) return out;
  return fmt::format("{}{}in the last day {}\nin the last week {}", out, out.empty() ? "" : " since it started\n",
                     reconnects_by_cause(tunnel.uptime_summary->day), reconnects_by_cause(tunnel.uptime_summary->week));
}

/// The other bastions, if there are several.
std::string other_bastions(const tunnels::TunnelStatus& tunnel) {
  if (tunnel.bastions.size() < 2) return {};
  std::string others;
  for (const auto& bastion : tunnel.bastions)
    if (bastion != tunnel.bastion) others += (others.empty() ? "" : ", ") + printable(bastion);
  return tunnel.bastion == tunnel.bastions.front() ? fmt::format(" (fallback: {})", others)
                                                   : fmt::format(" (instead of {})", others);
}

std::string forward_text(const tunnels::TunnelStatus& tunnel, const tunnels::TunnelStatus::Forward& forward,
                         const Drawing& drawing) {
  std::vector<std::string> lines{ends_text(forward, drawing)};
  if (forward.state)
    lines.front() += ", " + paint(style_of(*forward.state), state_text(tunnel, forward), drawing.colour);
  add_exposure(lines, forward);
  return fmt::format("{}", fmt::join(lines, "\n"));
}

/// The round trip, the reconnects and the uptime charts of the last day and week.
void add_history(Sheet& sheet, const tunnels::TunnelStatus& tunnel, const Drawing& drawing) {
  if (const auto text = round_trip_text(tunnel, drawing); !text.empty()) sheet.row("round trip", text);
  if (const auto text = reconnects_text(tunnel); !text.empty()) sheet.row("reconnects", text);
  if (!tunnel.uptime_summary) return;
  const auto chart = [&](const store::Availability& span) {
    return uptime_blocks(span, drawing) + "  " + availability_text(span);
  };
  sheet.row("last day", chart(tunnel.uptime_summary->day));
  sheet.row("last week",
            chart(tunnel.uptime_summary->week) + "\n" + paint(Style::dim, legend(drawing), drawing.colour));
}

}  // namespace

std::string status_table(const std::vector<tunnels::TunnelStatus>& tunnels, WallTime now, const Drawing& drawing) {
  std::vector<Row> rows{{{Cell{"NAME", Style::dim}, Cell{"STATE", Style::dim}, Cell{"SINCE", Style::dim},
                          Cell{"BASTION", Style::dim}, Cell{"FORWARDS", Style::dim}, Cell{"BACKEND", Style::dim}}}};
  for (const auto& tunnel : tunnels)
    rows.push_back({{Cell{tunnel.name, Style::bold}, Cell{state_text(tunnel), style_of(tunnel.state)},
                     Cell{age(tunnel.since, now)}, Cell{or_unknown(tunnel.bastion)},
                     Cell{forwards_text(tunnel, drawing)}, Cell{or_unknown(tunnel.backend.name)}},
                    reasons(tunnel, now, drawing)});
  return table(rows, drawing);
}

std::string status_detail(const tunnels::TunnelStatus& tunnel, const std::vector<store::Transition>& transitions,
                          WallTime now, const Drawing& drawing) {
  const bool colour = drawing.colour;
  Sheet sheet(drawing);
  sheet.row("name", paint(Style::bold, tunnel.name, colour));
  auto state = paint(style_of(tunnel.state), state_text(tunnel), colour);
  if (tunnel.since)
    state += fmt::format(" for {} (since {})", age(tunnel.since, now), time_text(*tunnel.since, drawing));
  if (tunnel.verified == true) state += ", verified end to end";
  sheet.row("state", state);
  if (!tunnel.is_up() && tunnel.next_attempt) sheet.row("next", seconds_until(*tunnel.next_attempt, now));
  if (tunnel.last_error) sheet.row("last error", error_text_of(*tunnel.last_error, now));
  if (tunnel.credential && tunnel.credential->expires)
    sheet.row("credential", paint(tunnel.expires_soon(now) ? Style::yellow : Style::plain,
                                  expiry_text(*tunnel.credential, now), colour));
  sheet.row("host", or_unknown(tunnel.host) +
                        (tunnel.elsewhere && !tunnel.renamed ? " (not this host: run holdfast status there)" : ""));
  sheet.row("bastion", or_unknown(tunnel.bastion) + other_bastions(tunnel));
  for (const auto& forward : tunnel.forwards) sheet.row("forward", forward_text(tunnel, forward, drawing));
  sheet.row("backend", backend_text(tunnel));
  if (const auto lines = installation_lines(tunnel); !lines.empty())
    sheet.row("installation", fmt::format("{}", fmt::join(lines, "\n")));
  sheet.row("survives", survives_text(tunnel.backend.survives) + stronger_hint(tunnel));
  if (tunnel.hook_files) sheet.row("login hook", hook_text(*tunnel.hook_files));
  sheet.row("engine", or_unknown(tunnel.engine));
  if (tunnel.supervisor.pid) sheet.row("processes", processes_text(tunnel));
  add_history(sheet, tunnel, drawing);
  std::string last;
  for (const auto& transition : transitions)
    last += fmt::format("{}{}  {} {} {}{}{}", last.empty() ? "" : "\n", time_text(transition.at, drawing),
                        store::to_text(transition.from), arrow(drawing), store::to_text(transition.to),
                        transition.reason.empty() ? "" : ": ", printable(transition.reason));
  if (!last.empty()) sheet.row("history", last);
  return sheet.take();
}

}  // namespace holdfast::cli
