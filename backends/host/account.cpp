#include "backends/host/account.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_chage_deadline{2000};

/// "Nov 28, 2026", as chage(1) writes a date in the C locale. Empty for "never".
std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> k_months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto words = split_words(text);
  if (words.size() != 3 || !words[1].ends_with(',')) return std::nullopt;
  const auto month = std::ranges::find(k_months, words[0]);
  const auto day = parse_number(std::string_view(words[1]).substr(0, words[1].size() - 1), 1, 31);
  const auto year = parse_number(words[2], 1970, 9999);
  if (month == k_months.end() || !day || !year) return std::nullopt;
  const auto number = static_cast<unsigned>(month - k_months.begin()) + 1;
  return std::chrono::sys_days(std::chrono::year(static_cast<int>(*year)) / std::chrono::month(number) /
                               std::chrono::day(*day));
}

/// The field of `chage -l`; empty when it has none of that name.
std::string_view field(std::string_view listing, std::string_view name) {
  const auto line = listing.find(name);
  const auto colon = line == std::string_view::npos ? line : listing.find(": ", line);
  if (colon == std::string_view::npos) return {};
  const auto rest = listing.substr(colon + 2);
  return trim(rest.substr(0, rest.find('\n')));
}

}  // namespace

std::optional<AccountProblem> find_account_problem(const os::User& user, const os::Host& host) {
  if (user.name.empty() || !host.find_program("chage")) return std::nullopt;
  os::Environment environment{{"LC_ALL", "C"}};
  if (const auto path = host.env("PATH")) environment["PATH"] = *path;
  const auto answer = host.run(os::Command{{"chage", "-l", user.name}, std::move(environment), {}}, k_chage_deadline);
  if (!answer || !answer->ok()) return std::nullopt;
  const auto today = std::chrono::floor<std::chrono::days>(host.wall_now());
  const auto account = field(answer->out, "Account expires");
  const auto ends = parse_date(account);
  if (ends && *ends <= today)
    return AccountProblem{fmt::format("the account {} expired on {}", user.name, account),
                          fmt::format("sudo chage -E -1 {}", user.name)};
  const auto password = field(answer->out, "Password expires");
  const auto last = parse_date(password);
  if (password == "password must be changed")
    return AccountProblem{fmt::format("the password of {} must be changed", user.name), "passwd"};
  if (last && *last < today)
    return AccountProblem{fmt::format("the password of {} expired on {}", user.name, password), "passwd"};
  return std::nullopt;
}

}  // namespace holdfast::backends
