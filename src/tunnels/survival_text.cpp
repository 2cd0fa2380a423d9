#include "tunnels/survival_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::tunnels {
namespace {

using Kind = Survival::Kind;

/// "a crash, a logout and a reboot".
std::string listed(std::vector<std::string_view> events, std::string_view conjunction) {
  const auto last = events.back();
  events.pop_back();
  return events.empty() ? std::string(last) : fmt::format("{} {} {}", fmt::join(events, ", "), conjunction, last);
}

std::string clause(const Survival& survival, const std::vector<std::string_view>& events) {
  switch (survival.kind) {
    case Kind::yes:
      return fmt::format("survives {}", listed(events, "and"));
    case Kind::no:
      return fmt::format("does not survive {}", listed(events, "or"));
    case Kind::at_login:
      return fmt::format("returns at the next login after {}", listed(events, "or"));
    case Kind::within:
      return fmt::format("returns within {} s after {}", survival.bound.count(), listed(events, "or"));
  }
  return {};
}

}  // namespace

bool survives_everything(const Survives& survives) {
  return survives.crash.kind == Kind::yes && survives.logout.kind == Kind::yes && survives.reboot.kind == Kind::yes;
}

std::string survival_text(const Survives& survives) {
  const std::array<std::pair<Survival, std::string_view>, 3> all{
      {{survives.crash, "a crash"}, {survives.logout, "a logout"}, {survives.reboot, "a reboot"}}};
  std::vector<std::pair<Survival, std::vector<std::string_view>>> groups;
  for (const auto& [survival, event] : all) {
    const auto same = std::ranges::find(groups, survival, &decltype(groups)::value_type::first);
    if (same != groups.end())
      same->second.push_back(event);
    else
      groups.push_back({survival, {event}});
  }
  std::string text;
  for (const auto& [survival, events] : groups) text += (text.empty() ? "" : ", ") + clause(survival, events);
  return text;
}

std::string survival_gain_text(const Survives& now, const Survives& then) {
  std::vector<std::string_view> gained;
  const auto compare = [&](const Survival& before, const Survival& after, std::string_view event) {
    if (after.kind > before.kind || (after.kind == Kind::within && after.bound < before.bound)) gained.push_back(event);
  };
  compare(now.crash, then.crash, "a crash");
  compare(now.logout, then.logout, "a logout");
  compare(now.reboot, then.reboot, "a reboot");
  if (gained.empty()) return "is stronger";
  return "survives " + listed(std::move(gained), "and");
}

}  // namespace holdfast::tunnels
