#include "backends/host/program_access.hpp"

#include "core/text.hpp"

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

Error refusal(const fs::path& program, std::string cause) {
  return Error{"installing a system service for", program.string(), std::move(cause),
               fmt::format("install -m 755 {} /usr/local/bin/", program.string())};
}

}  // namespace

Result<> require_executable_by(const os::User& user, const fs::path& program, const os::Host& host) {
  constexpr std::array k_hidden{"/tmp", "/var/tmp", "/dev", "/root", "/run/user"};
  for (const auto* directory : k_hidden)
    if (is_below(program, directory))
      return refusal(program, fmt::format("a sandboxed service cannot see {}", directory));
  const auto groups = groups_of(user, host);
  const auto user_text = user.name.empty() ? fmt::format("uid {}", user.uid) : user.name;
  fs::path at;
  for (const auto& part : program) {
    at /= part;
    const auto status = host.status(at);
    if (status.kind == os::FileKind::missing) return refusal(program, at.string() + " does not exist");
    if (!may_execute(user, groups, status))
      return refusal(program, at == program ? fmt::format("{} may not execute it", user_text)
                                            : fmt::format("{} may not enter {}", user_text, at.string()));
  }
  return {};
}

}  // namespace holdfast::backends
