#include "os/unfinished_file.hpp"

#include "core/text.hpp"
#include "os/posix_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <string>

namespace holdfast::os {

void remove_unfinished(const boost::filesystem::path& path) {
  constexpr std::time_t k_shortest_age = 60;
  const std::string begin = path.filename().native() + std::string(k_unfinished);
  for (const auto& name : list_directory(path.parent_path())) {
    if (!name.starts_with(begin)) continue;
    const auto thread = parse_number(std::string_view(name).substr(begin.size()), 1, INT32_MAX);
    if (!thread || ::kill(static_cast<pid_t>(*thread), 0) == 0 || errno != ESRCH) continue;
    const auto file = path.parent_path() / name;
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) continue;
    if (::time(nullptr) - info.st_mtime > k_shortest_age) ::unlink(file.c_str());
  }
}

}  // namespace holdfast::os
