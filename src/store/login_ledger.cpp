#include "store/login_ledger.hpp"

#include "core/text.hpp"
#include "os/append_file.hpp"
#include "store/private_file.hpp"
#include "store/shared_files.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

namespace holdfast::store {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t k_largest = 64 * 1024;
constexpr milliseconds k_attempt = std::chrono::seconds(90);  // longer than any: its supervisor was killed
constexpr std::array<std::string_view, 4> k_events{"begun", "refused", "accepted", "ended"};

struct Login {
  milliseconds at{0};
  std::string identity;
};

std::string identity_hash(const std::string& identity) { return fmt::format("{:016x}", fnv1a(identity)); }

/// The refused logins, and those under way.
struct Logins {
  std::vector<Login> refused;
  std::map<std::string, Login> pending;  ///< By process.

  void add(const std::string& pid, std::string_view event, Login login) {
    pending.erase(pid);
    if (event == "begun")
      pending.emplace(pid, std::move(login));
    else if (event == "refused")
      refused.push_back(std::move(login));
    else if (event == "accepted")
      std::erase_if(refused, [&](const Login& one) { return one.identity == login.identity; });
  }
};

Logins parse(std::string_view ledger, std::string_view boot, milliseconds now) {
  Logins logins;
  for (const std::string& line : split(ledger, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() != 5 || fields[0] != boot) continue;
    const auto seconds = parse_number(fields[1], 0, std::numeric_limits<std::uint32_t>::max());
    if (!seconds || milliseconds(std::chrono::seconds(*seconds)) > now + std::chrono::seconds(1)) continue;
    logins.add(fields[2], fields[3], {std::chrono::seconds(*seconds), fields[4]});
  }
  return logins;
}

/// 0 for an invalid line.
std::uint32_t seconds_of(const std::string& line) {
  const auto fields = split(line, ' ');
  const auto seconds =
      fields.size() > 1 ? parse_number(fields[1], 0, std::numeric_limits<std::uint32_t>::max()) : std::nullopt;
  return seconds.value_or(0);
}

/// Until fewer than `most` of `times` are younger than `window`. Sorted, oldest first.
milliseconds until_below(const std::vector<milliseconds>& times, std::size_t most, milliseconds window,
                         milliseconds now) {
  if (times.size() < most) return milliseconds{0};
  return std::max(times[times.size() - most] + window - now, milliseconds{0});
}

}  // namespace

milliseconds until_login(std::string_view ledger, std::string_view boot, pid_t self, const std::string& identity,
                         bool was_refused, milliseconds now, std::size_t logins_at_once) {
  Logins logins = parse(ledger, boot, now);
  logins.pending.erase(std::to_string(self));
  const std::string own = identity_hash(identity);
  const auto is_own = [&](const Login& login) { return login.identity == own; };
  if (!was_refused && std::ranges::count_if(logins.refused, is_own) < 2) return milliseconds{0};
  std::vector<milliseconds> times;
  for (const Login& login : logins.refused) times.push_back(login.at);
  for (const auto& [pid, login] : logins.pending)
    if (is_own(login) && now - login.at < k_attempt) times.push_back(login.at);
  std::ranges::sort(times);
  const std::size_t more = logins_at_once - 1;
  return std::max(until_below(times, k_refused_in_ten_minutes - more, std::chrono::minutes(10), now),
                  until_below(times, k_refused_in_an_hour - more, std::chrono::hours(1), now));
}

LoginLedger::LoginLedger(os::Host& host, const boost::filesystem::path& runtime_directory, const std::string& bastion,
                         const boost::filesystem::path& system_root)
    : host_(host),
      file_(shared_file(runtime_directory, "logins", bastion)),
      has_siblings_(runtime_directory.parent_path() == system_root) {}

std::vector<boost::filesystem::path> LoginLedger::files() const {
  if (!has_siblings_) return {file_};
  std::vector<boost::filesystem::path> files;
  const auto root = file_.parent_path().parent_path();
  for (const auto& tunnel : host_.list(root)) files.push_back(root / tunnel / file_.filename());
  return files;
}

void LoginLedger::note(Event event, const std::string& identity, milliseconds now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).count();
  (void)os::append_line(file_,
                        fmt::format("{} {} {} {} {}", host_.boot_id(), seconds, ::getpid(),
                                    k_events.at(static_cast<std::size_t>(event)), identity_hash(identity)),
                        k_largest);
}

milliseconds LoginLedger::until_login(const std::string& identity, bool was_refused, milliseconds now,
                                      std::size_t logins) const {
  std::vector<std::string> lines;
  for (const auto& file : files())
    if (const auto text = read_private_file(host_, file, k_largest))
      for (auto& line : split(*text, '\n')) lines.push_back(std::move(line));
  if (lines.empty()) return milliseconds{0};
  if (has_siblings_) std::ranges::stable_sort(lines, {}, seconds_of);
  std::string ledger;
  for (const auto& line : lines) ledger += line + "\n";
  return store::until_login(ledger, host_.boot_id(), ::getpid(), identity, was_refused, now, logins);
}

void LoginLedger::forget() {
  for (const auto& file : files()) (void)host_.remove_file(file);
}

}  // namespace holdfast::store
