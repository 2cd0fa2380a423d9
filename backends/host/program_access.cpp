#include "backends/host/program_access.hpp"

#include "core/text.hpp"
#include "os/replace_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::backends {
namespace {

namespace fs = boost::filesystem;

constexpr std::chrono::milliseconds k_deadline{2000};

bool is_below(const fs::path& path, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

std::vector<gid_t> groups_of(const os::User& user, const os::Host& host) {
  std::vector<gid_t> groups{user.gid};
  if (user.name.empty()) return groups;
  const auto answer = host.run(os::Command{{"id", "-G", "--", user.name}, {}, {}}, k_deadline);
  if (!answer || !answer->ok()) return groups;
  for (const auto& group : split_words(trim(answer->out)))
    if (const auto number = parse_number(group, 0, UINT32_MAX)) groups.push_back(*number);
  return groups;
}

bool may_execute(const os::User& user, const std::vector<gid_t>& groups, const os::FileStatus& status) {
  if (user.uid == 0) return status.kind == os::FileKind::directory || (status.mode & 0111) != 0;
  if (status.owner == user.uid) return (status.mode & 0100) != 0;
  if (std::find(groups.begin(), groups.end(), status.group) != groups.end()) return (status.mode & 0010) != 0;
  return (status.mode & 0001) != 0;
}

/// Why `user` cannot execute the program: the first part of its path that stops it.
struct Obstacle {
  std::string cause;
  std::string remedy;
};

std::string copy_command(const fs::path& program) {
  return fmt::format("install -m 755 {} /usr/local/bin/", program.string());
}

std::optional<Obstacle> find_sandbox_obstacle(const fs::path& program) {
  constexpr std::array k_hidden{"/tmp", "/var/tmp", "/dev", "/root", "/run/user"};
  for (const auto* directory : k_hidden)
    if (is_below(program, directory))
      return Obstacle{fmt::format("a sandboxed service cannot see {}", directory), copy_command(program)};
  return std::nullopt;
}

std::optional<Obstacle> find_obstacle(const os::User& user, const fs::path& program, const os::Host& host) {
  const auto groups = groups_of(user, host);
  const auto user_text = user.name.empty() ? fmt::format("uid {}", user.uid) : user.name;
  fs::path at;
  for (const auto& part : program) {
    at /= part;
    const auto status = host.status(at);
    if (status.kind == os::FileKind::missing) return Obstacle{at.string() + " does not exist", copy_command(program)};
    if (may_execute(user, groups, status)) continue;
    if (at == program) return Obstacle{user_text + " may not execute it", "chmod 755 " + program.string()};
    const bool is_common = is_below(program, "/usr/local/bin");
    return Obstacle{fmt::format("{} may not enter {}", user_text, at.string()),
                    is_common ? "chmod 755 " + at.string() : copy_command(program)};
  }
  return std::nullopt;
}

/// The path of the file itself. A link has no permissions of its own.
fs::path real_path(const fs::path& program, const os::Host& host) {
  if (host.status(program).kind != os::FileKind::symlink) return program;
  if (auto found = os::resolve_links(program)) return std::move(*found);
  return program;
}

/// What the permissions for everybody tell.
enum class Access { open, restricted, missing, unknown };

Access access_of_others(const fs::path& program, const os::Host& host) {
  bool open = true;
  fs::path at;
  for (const auto& part : program) {
    at /= part;
    const auto status = host.status(at);
    // We may not see into a restricted directory.
    if (status.kind == os::FileKind::missing) return open || host.user().uid == 0 ? Access::missing : Access::unknown;
    open = open && (status.mode & 0001) != 0;
  }
  return open ? Access::open : Access::restricted;
}

}  // namespace

Result<> require_executable_by(const os::User& user, const fs::path& program, const os::Host& host) {
  auto obstacle = find_sandbox_obstacle(program);
  if (!obstacle) obstacle = find_obstacle(user, real_path(program, host), host);
  if (!obstacle) return {};
  return Error{"installing a system service for", program.string(), std::move(obstacle->cause),
               std::move(obstacle->remedy)};
}

std::optional<std::string> why_not_executable(const os::User& user, const fs::path& program, const os::Host& host) {
  if (auto hidden = find_sandbox_obstacle(program)) return "cannot be started: " + hidden->cause;
  const auto file = real_path(program, host);
  const auto access = access_of_others(file, host);
  if (access == Access::missing) return "is gone";
  if (access != Access::restricted) return std::nullopt;
  const bool is_complete = user.uid != 0 || user.name.empty() || user.name == "root";
  const auto known = is_complete ? Result<os::User>(user) : host.find_user(user.name);
  const auto obstacle = known ? find_obstacle(*known, file, host) : std::nullopt;
  if (!obstacle) return std::nullopt;
  return fmt::format("cannot be started: {} ({})", obstacle->cause, obstacle->remedy);
}

}  // namespace holdfast::backends
