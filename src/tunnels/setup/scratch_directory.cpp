#include "tunnels/setup/scratch_directory.hpp"

#include "core/text.hpp"
#include "os/file_lock.hpp"
#include "os/process_id.hpp"
#include "ssh/client/master.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace holdfast::tunnels {
namespace {

constexpr std::string_view k_prefix = ".check.";
constexpr std::string_view k_lock_suffix = ".setup.lock";  // of NameLock

}  // namespace

void remove_abandoned(const boost::filesystem::path& directory, os::Host& host) {
  for (const auto& entry : host.list(directory)) {
    if (entry.starts_with('.') && entry.ends_with(k_lock_suffix)) {
      const auto lock = os::FileLock::try_take(directory / entry);
      if (lock && *lock) (void)host.remove_file(directory / entry);  // while it is locked, as NameLock does
    }
    if (!entry.starts_with(k_prefix)) continue;
    const auto maker = parse_number(entry.substr(k_prefix.size()), 2, std::numeric_limits<pid_t>::max());
    if (!maker || host.process(static_cast<pid_t>(*maker))) continue;
    (void)ssh::end_master(directory / entry / "ctl", host);
    (void)host.remove_tree(directory / entry);
  }
}

Result<ScratchDirectory> ScratchDirectory::make(const boost::filesystem::path& parent, const os::User& owner,
                                                os::Host& host) {
  auto path = parent / fmt::format("{}{}", k_prefix, os::thread_id());
  HOLDFAST_CHECK(host.remove_tree(path));
  if (owner.uid == host.user().uid) {
    HOLDFAST_CHECK(host.make_directories(path, 0700));
  } else {
    const os::Command command{{"install", "-d", "-m", "0700", "-o", std::to_string(owner.uid), "-g",
                               std::to_string(owner.gid), "--", path.string()}};
    HOLDFAST_TRY(const auto made, host.run(command, std::chrono::seconds(5)));
    if (!made.ok()) return Error{"making", path.string(), made.err, ""};
  }
  return ScratchDirectory(std::move(path), host);
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : path_(std::move(other.path_)), host_(std::exchange(other.host_, nullptr)) {}

ScratchDirectory::~ScratchDirectory() {
  if (host_ != nullptr) (void)host_->remove_tree(path_);
}

}  // namespace holdfast::tunnels
