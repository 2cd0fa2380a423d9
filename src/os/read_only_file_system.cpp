#include "os/read_only_file_system.hpp"

#include <sys/statvfs.h>

#include <string>

namespace holdfast::os {

bool is_read_only_for(pid_t pid, const boost::filesystem::path& directory) {
  struct statvfs info {};
  const std::string path = "/proc/" + std::to_string(pid) + "/root" + directory.native();
  return ::statvfs(path.c_str(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0;
}

}  // namespace holdfast::os
