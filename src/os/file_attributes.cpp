#include "os/file_attributes.hpp"

#include "core/text.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::os {
namespace {

// The kernel's limit for the list of names and for one value: xattr(7).
constexpr std::size_t k_largest = 64 * 1024;

/// Nothing on an error. A file system without extended attributes has none.
std::optional<std::vector<std::string>> attribute_names(int file) {
  std::string list(k_largest, '\0');
  const ssize_t size = ::flistxattr(file, list.data(), list.size());
  if (size < 0) return errno == ENOTSUP ? std::optional(std::vector<std::string>()) : std::nullopt;
  auto names = split(list.substr(0, static_cast<std::size_t>(size)), '\0');
  std::erase(names, std::string());
  return names;
}

std::optional<std::string> attribute(int file, const std::string& name) {
  std::string value(k_largest, '\0');
  const ssize_t size = ::fgetxattr(file, name.c_str(), value.data(), value.size());
  if (size < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

bool copy_extended(int from, int to) {
  const auto wanted = attribute_names(from);
  const auto present = attribute_names(to);
  if (!wanted || !present) return false;
  // An access control list of the directory's default, or a label of the security module.
  for (const auto& name : *present)
    if (std::ranges::find(*wanted, name) == wanted->end() && ::fremovexattr(to, name.c_str()) != 0) return false;
  return std::ranges::all_of(*wanted, [&](const std::string& name) {
    const auto value = attribute(from, name);
    if (!value) return false;
    return attribute(to, name) == value || ::fsetxattr(to, name.c_str(), value->data(), value->size(), 0) == 0;
  });
}

}  // namespace

bool copy_attributes(int from, int to) {
  struct stat wanted {};
  struct stat present {};
  if (::fstat(from, &wanted) != 0 || ::fstat(to, &present) != 0) return false;
  const bool same_owner = wanted.st_uid == present.st_uid && wanted.st_gid == present.st_gid;
  if (!same_owner && ::fchown(to, wanted.st_uid, wanted.st_gid) != 0) return false;
  if (!copy_extended(from, to)) return false;
  // Last: a change of the owner clears bits, and the mode is also a part of the access control list.
  return ::fchmod(to, wanted.st_mode & 07777U) == 0;
}

}  // namespace holdfast::os
