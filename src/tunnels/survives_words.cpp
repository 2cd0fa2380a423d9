#include "tunnels/survives_words.hpp"

#include "core/timestamp.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace holdfast::tunnels {
namespace {

using Kind = Survival::Kind;

std::string words_of(const Survival& survival, std::string_view what) {
  switch (survival.kind) {
    case Kind::yes:
      return fmt::format("survives {}", what);
    case Kind::no:
      return fmt::format("does not survive {}", what);
    case Kind::at_login:
      return fmt::format("is back after {} at the next login", what);
    case Kind::within:
      return fmt::format("is back after {} within {}", what, to_words(survival.bound));
  }
  return {};
}

}  // namespace

bool survives_everything(const Survives& survives) {
  return survives.crash.kind == Kind::yes && survives.logout.kind == Kind::yes && survives.reboot.kind == Kind::yes;
}

std::string survives_words(const Survives& survives) {
  if (survives_everything(survives)) return "survives a crash, a logout and a reboot";
  return words_of(survives.crash, "a crash") + ", " + words_of(survives.logout, "a logout") + ", " +
         words_of(survives.reboot, "a reboot");
}

std::string gain_words(const Survives& now, const Survives& then) {
  std::vector<std::string_view> gained;
  const auto compare = [&](const Survival& before, const Survival& after, std::string_view what) {
    if (after.kind > before.kind || (after.kind == Kind::within && after.bound < before.bound)) gained.push_back(what);
  };
  compare(now.crash, then.crash, "a crash");
  compare(now.logout, then.logout, "a logout");
  compare(now.reboot, then.reboot, "a reboot");
  if (gained.empty()) return "is stronger";
  const auto last = gained.back();
  gained.pop_back();
  return fmt::format("survives {}{}{}", fmt::join(gained, ", "), gained.empty() ? "" : " and ", last);
}

}  // namespace holdfast::tunnels
