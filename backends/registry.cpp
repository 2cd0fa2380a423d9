#include "backends/registry.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

namespace holdfast::backends {
namespace {

// `auto` prefers the earlier of two backends that survive the same.
const std::array<const Backend*, 7>& table() {
  static const std::array<const Backend*, 7> backends{
      &systemd_system_backend(), &systemd_user_backend(), &cron_backend(),      &tmux_backend(),
      &screen_backend(),         &nohup_backend(),        &login_hook_backend()};
  return backends;
}

// Larger is better; a shorter bound is better.
auto rank_of(const Survival& survival) { return std::tuple(static_cast<int>(survival.kind), -survival.bound.count()); }

auto rank_of(const Survives& survives) {
  return std::tuple(rank_of(survives.reboot), rank_of(survives.logout), rank_of(survives.crash));
}

// Without a login, a tunnel that returns at the next login stays down. Often the tunnel is the only path for a login.
Survival unattended(const Survival& survival) {
  return survival.kind == Survival::Kind::at_login ? Survival{} : survival;
}

Survives unattended(const Survives& survives) {
  return {unattended(survives.crash), unattended(survives.logout), unattended(survives.reboot)};
}

}  // namespace

std::span<const Backend* const> all_backends() { return table(); }

const Backend* find_backend(std::string_view name) {
  const auto found = std::find_if(table().begin(), table().end(), [&](const Backend* b) { return b->name() == name; });
  return found == table().end() ? nullptr : *found;
}

std::vector<const Backend*> backends_with_entries(Scope scope) {
  if (scope == Scope::system) return {&systemd_system_backend()};
  return {&systemd_user_backend(), &cron_backend()};
}

bool is_future_backend(std::string_view name) { return name == "slurm"; }

bool is_in_choice(const Backend& backend, std::span<const std::string> only) {
  if (only.empty()) return !backend.is_opt_in();
  return std::ranges::find(only, backend.name()) != only.end();
}

bool is_stronger(const Survives& a, const Survives& b) {
  const auto alone_a = rank_of(unattended(a));
  const auto alone_b = rank_of(unattended(b));
  return alone_a != alone_b ? alone_a > alone_b : rank_of(a) > rank_of(b);
}

std::vector<AssessedBackend> ranked(std::vector<AssessedBackend> assessed) {
  const auto usable = [](const AssessedBackend& c) { return c.fitness.grade != Fitness::Grade::unavailable; };
  std::stable_sort(assessed.begin(), assessed.end(), [&](const AssessedBackend& a, const AssessedBackend& b) {
    if (usable(a) != usable(b)) return usable(a);
    return usable(a) && is_stronger(a.fitness.survives, b.fitness.survives);
  });
  return assessed;
}

std::vector<AssessedBackend> rank(Scope scope, const os::Host& host, std::span<const std::string> only) {
  std::vector<const Backend*> eligible;
  std::ranges::copy_if(all_backends(), std::back_inserter(eligible), [&](const Backend* backend) {
    return backend->scope() == scope && is_in_choice(*backend, only);
  });
  return ranked(assess_all(eligible, host));
}

}  // namespace holdfast::backends
