#include "cli/output/doctor_output.hpp"

#include "cli/output/survival_cell.hpp"
#include "cli/output/table.hpp"
#include "core/text.hpp"
#include "tunnels/survival_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

using Grade = backends::Fitness::Grade;

Drawing drawing_of(bool colour) { return {.colour = colour, .width = k_line_width}; }

Cell grade_cell(Grade grade) {
  switch (grade) {
    case Grade::good:
      return {"yes", Style::green};
    case Grade::degraded:
      return {"with limits", Style::yellow};
    case Grade::unavailable:
      break;
  }
  return {"no", Style::dim};
}

Row backend_row(const backends::AssessedBackend& assessed, bool chosen) {
  const auto& [backend, fitness] = assessed;
  Row row{{Cell{std::string(backend->name()), chosen ? Style::bold : Style::plain}, grade_cell(fitness.grade)}};
  for (const auto what : {&Survives::crash, &Survives::logout, &Survives::reboot})
    row.cells.push_back(fitness.grade == Grade::unavailable ? Cell{"-", Style::dim}
                                                            : survival_cell(fitness.survives.*what));
  row.below = {printable(fitness.reason)};
  return row;
}

std::string choice_text(const Findings& findings) {
  if (findings.choice) {
    const auto& [backend, fitness] = findings.host.backends[*findings.choice];
    return fmt::format("{}: {}", backend->name(), tunnels::survival_text(fitness.survives));
  }
  return findings.scope == Scope::system ? "none: no backend of the system scope works here"
                                         : "none: no backend works here";
}

std::string yes_or_no(const std::optional<bool>& value) { return !value ? "unknown" : *value ? "yes" : "no"; }

std::string host_line(const tunnels::HostFacts& facts) {
  return fmt::format("{}: {}Linux {}, {}, {}", printable(facts.hostname),
                     facts.system.empty() ? "" : printable(facts.system) + ", ", printable(facts.kernel),
                     facts.booted_by_systemd ? "systemd" : "no systemd",
                     facts.container ? "in a container (" + printable(*facts.container) + ")" : "no container");
}

std::string user_line(const tunnels::HostFacts& facts) {
  return fmt::format("{} (uid {}); user manager: {}, linger: {}, logind kills processes at logout: {}",
                     facts.user.name.empty() ? "no name" : printable(facts.user.name), facts.user.uid,
                     yes_or_no(facts.user_manager), yes_or_no(facts.linger), yes_or_no(facts.kills_user_processes));
}

std::string ssh_line(const tunnels::HostFacts& facts) {
  if (!facts.ssh) return facts.ssh_problem ? printable(facts.ssh_problem->cause) : "unknown";
  return fmt::format("OpenSSH {}.{}, {}", facts.ssh->version.major, facts.ssh->version.minor,
                     printable(facts.ssh->program.string()));
}

Row check_row(const ssh::Check& check) {
  Cell outcome{"ok", Style::green};
  if (check.skipped) outcome = {"skipped", Style::dim};
  if (check.failure) outcome = check.warning ? Cell{"warning", Style::yellow} : Cell{"failed", Style::red};
  Row row{{outcome, Cell{printable(check.what)}}};
  if (!check.figure.empty()) row.cells.push_back({printable(check.figure), Style::dim});
  if (!check.failure) return row;
  row.below = {printable(check.failure->message)};
  if (!check.failure->hint.empty()) row.below.push_back("hint: " + printable(check.failure->hint));
  return row;
}

}  // namespace

bool Findings::checks_passed() const {
  return std::ranges::all_of(checks, [](const ssh::Check& check) { return !check.failure || check.warning; });
}

std::string host_text(const Findings& findings, bool colour) {
  std::vector<Row> rows{{{Cell{"BACKEND", Style::dim}, Cell{"USABLE", Style::dim}, Cell{"CRASH", Style::dim},
                          Cell{"LOGOUT", Style::dim}, Cell{"REBOOT", Style::dim}}}};
  for (std::size_t i = 0; i < findings.host.backends.size(); ++i)
    rows.push_back(backend_row(findings.host.backends[i], findings.choice == i));
  auto text = table(rows, drawing_of(colour)) + "\n";

  const auto& facts = findings.host.facts;
  Sheet sheet(drawing_of(colour));
  sheet.row("auto takes", choice_text(findings));
  if (!findings.only.empty())
    sheet.row("", fmt::format("(HOLDFAST_BACKENDS allows only {})", fmt::join(findings.only, ", ")));
  if (findings.recommendation) sheet.row("stronger", printable(*findings.recommendation));
  sheet.row("holdfast", HOLDFAST_VERSION ", " + printable(findings.program.string()));
  sheet.row("ssh", ssh_line(facts));
  sheet.row("host", host_line(facts));
  sheet.row("user", user_line(facts));
  for (const auto& directory : facts.unresponsive_paths)
    sheet.row("hangs", paint(Style::red, printable(directory.string()) + " does not respond", colour));
  return text + sheet.take();
}

std::string checks_text(const Findings& findings, bool colour) {
  std::vector<Row> rows;
  for (const auto& check : findings.checks) rows.push_back(check_row(check));
  return table(rows, drawing_of(colour));
}

}  // namespace holdfast::cli
