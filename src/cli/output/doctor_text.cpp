#include "cli/output/doctor_output.hpp"

#include "cli/output/table.hpp"
#include "core/text.hpp"
#include "tunnels/survival_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

using Grade = backends::Fitness::Grade;

constexpr std::size_t k_below_width = k_line_width - 2;
constexpr std::size_t k_value_width = k_line_width - k_label_width;

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

Cell survival_cell(const Survival& survival) {
  switch (survival.kind) {
    case Survival::Kind::yes:
      return {"yes", Style::green};
    case Survival::Kind::within:
      return {fmt::format("within {} s", survival.bound.count()), Style::green};
    case Survival::Kind::at_login:
      return {"at login", Style::yellow};
    case Survival::Kind::no:
      break;
  }
  return {"no", Style::red};
}

Row backend_row(const backends::AssessedBackend& assessed, bool chosen) {
  const auto& [backend, fitness] = assessed;
  Row row{{Cell{std::string(backend->name()), chosen ? Style::bold : Style::plain}, grade_cell(fitness.grade)}};
  for (const auto what : {&Survives::crash, &Survives::logout, &Survives::reboot})
    row.cells.push_back(fitness.grade == Grade::unavailable ? Cell{"-", Style::dim}
                                                            : survival_cell(fitness.survives.*what));
  row.below = wrapped(printable(fitness.reason), k_below_width);
  return row;
}

std::string choice_words(const Findings& findings) {
  if (findings.choice) {
    const auto& [backend, fitness] = findings.host.backends[*findings.choice];
    return fmt::format("{}: {}", backend->name(), tunnels::survival_text(fitness.survives));
  }
  return findings.scope == Scope::system ? "none: no backend of the system scope can be used here"
                                         : "none: no backend can be used here";
}

std::string yes_or_no(const std::optional<bool>& value) { return !value ? "not known" : *value ? "yes" : "no"; }

std::string host_words(const tunnels::HostFacts& facts) {
  return fmt::format("{}: {}Linux {}, {}, {}", printable(facts.hostname),
                     facts.system.empty() ? "" : printable(facts.system) + ", ", printable(facts.kernel),
                     facts.booted_by_systemd ? "systemd" : "no systemd",
                     facts.container ? "in a container (" + printable(*facts.container) + ")" : "no container");
}

std::string user_words(const tunnels::HostFacts& facts) {
  return fmt::format("{} (uid {}); manager: {}, linger: {}, processes are ended at logout: {}",
                     facts.user.name.empty() ? "without a name" : printable(facts.user.name), facts.user.uid,
                     yes_or_no(facts.user_manager), yes_or_no(facts.linger), yes_or_no(facts.kills_user_processes));
}

std::string ssh_words(const tunnels::HostFacts& facts) {
  if (!facts.ssh) return facts.ssh_problem ? printable(facts.ssh_problem->cause) : "not known";
  return fmt::format("OpenSSH {}.{}, {}", facts.ssh->version.major, facts.ssh->version.minor,
                     printable(facts.ssh->program.string()));
}

std::string in_lines(const std::string& text) {
  return fmt::format("{}", fmt::join(wrapped(text, k_value_width), "\n"));
}

Row check_row(const ssh::Check& check) {
  Cell outcome{"ok", Style::green};
  if (check.skipped) outcome = {"skipped", Style::dim};
  if (check.failure) outcome = check.warning ? Cell{"warning", Style::yellow} : Cell{"failed", Style::red};
  Row row{{outcome, Cell{printable(check.what)}}};
  if (!check.figure.empty()) row.cells.push_back({printable(check.figure), Style::dim});
  if (!check.failure) return row;
  row.below = wrapped(printable(check.failure->message), k_below_width);
  if (!check.failure->hint.empty())
    for (auto& line : wrapped("hint: " + printable(check.failure->hint), k_below_width))
      row.below.push_back(std::move(line));
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
  auto text = table(rows, colour) + "\n";

  const auto& facts = findings.host.facts;
  Sheet sheet(colour);
  sheet.row("auto takes", in_lines(choice_words(findings)));
  if (!findings.only.empty())
    sheet.row("",
              in_lines(fmt::format("(HOLDFAST_BACKENDS narrows the choice to {})", fmt::join(findings.only, ", "))));
  if (findings.recommendation) sheet.row("stronger", in_lines(printable(*findings.recommendation)));
  sheet.row("holdfast", in_lines(HOLDFAST_VERSION ", " + printable(findings.program.string())));
  sheet.row("ssh", in_lines(ssh_words(facts)));
  sheet.row("host", in_lines(host_words(facts)));
  sheet.row("user", in_lines(user_words(facts)));
  for (const auto& directory : facts.unresponsive_paths)
    sheet.row("hangs", paint(Style::red, printable(directory.string()) + " does not answer", colour));
  return text + sheet.take();
}

std::string checks_text(const Findings& findings, bool colour) {
  std::vector<Row> rows;
  for (const auto& check : findings.checks) rows.push_back(check_row(check));
  return table(rows, colour);
}

}  // namespace holdfast::cli
