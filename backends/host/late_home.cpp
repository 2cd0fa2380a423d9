#include "backends/host/late_home.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace holdfast::backends {
namespace {

namespace fs = boost::filesystem;

struct Mount {
  fs::path point;
  std::string type;
};

/// The kernel writes a space, a tab, a line break and a backslash as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto is_octal = [&](std::size_t digit) { return text[at + digit] >= '0' && text[at + digit] <= '7'; };
    if (text[at] == '\\' && at + 3 < text.size() && is_octal(1) && is_octal(2) && is_octal(3)) {
      out += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

/// In the order in which they were mounted.
std::vector<Mount> mounts(const os::Host& host) {
  std::vector<Mount> found;
  const auto text = host.read_file("/proc/self/mountinfo");
  if (!text) return found;
  for (const auto& line : split(*text, '\n')) {
    const auto words = split_words(line);
    constexpr std::size_t k_point = 4;
    const auto separator = std::ranges::find(words, "-");
    if (words.size() <= k_point || words.end() - separator < 2) continue;
    found.push_back({unescaped(words[k_point]), separator[1]});
  }
  return found;
}

bool is_below(const fs::path& path, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

bool comes_by_network(const std::string& type) {
  constexpr std::array k_types{"autofs", "afs",    "beegfs", "ceph", "cifs",     "ecryptfs",
                               "gpfs",   "lustre", "nfs",    "nfs4", "orangefs", "smb3"};
  return std::ranges::find(k_types, type) != k_types.end() || type.starts_with("fuse.");
}

/// systemd's name of a mount: systemd.unit(5), "String Escaping for Inclusion in Unit Names".
std::string mount_unit(const fs::path& point) {
  std::string name;
  for (const char c : point.string().substr(1)) {
    if (c == '/')
      name += '-';
    else if (consists_of(std::string_view(&c, 1), ":_."))
      name += c;
    else
      name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return name + ".mount";
}

/// systemd mounts it before user managers start: in /etc/fstab, or found by a generator.
bool is_mounted_by_systemd(const fs::path& point, const os::Host& host) {
  constexpr std::array k_directories{"/run/systemd/generator", "/run/systemd/generator.late", "/etc/systemd/system"};
  return std::ranges::any_of(k_directories, [&](const fs::path& directory) {
    return host.status(directory / mount_unit(point)).kind != os::FileKind::missing;
  });
}

}  // namespace

bool is_late_home(const os::Host& host) {
  const auto home = host.user().home;
  const fs::path manager_directory = fmt::format("/run/user/{}", host.user().uid);
  const auto all = mounts(host);
  const Mount* home_mount = nullptr;
  bool after_manager = false;
  bool manager_seen = false;
  for (const auto& mount : all) {
    manager_seen = manager_seen || mount.point == manager_directory;
    if (mount.point == "/" || !is_below(home, mount.point)) continue;
    home_mount = &mount;  // the last one is on top
    after_manager = manager_seen;
  }
  if (home_mount == nullptr) return false;
  if (comes_by_network(home_mount->type)) return true;
  if (is_mounted_by_systemd(home_mount->point, host)) return false;
  return after_manager || home_mount->point == home;
}

}  // namespace holdfast::backends
