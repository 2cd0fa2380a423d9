#include "tunnels/setup/scratch_directory.hpp"

#include "os/process_id.hpp"

#include <fmt/format.h>

#include <utility>

namespace holdfast::tunnels {

Result<ScratchDirectory> ScratchDirectory::make(const boost::filesystem::path& parent, const os::User& owner,
                                                os::Host& host) {
  auto path = parent / fmt::format(".check.{}", os::thread_id());
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
