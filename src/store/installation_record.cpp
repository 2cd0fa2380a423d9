#include "store/installation_record.hpp"

#include "core/json.hpp"
#include "store/private_file.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

namespace holdfast::store {
namespace {

namespace json = boost::json;

constexpr std::size_t k_largest = 1 << 20;

/// Keeps concurrent setups from overwriting each other's entries. flock(2) on the state directory itself leaves no lock
/// file. Where the file system cannot lock (some NFS), the record is written without a lock: a lost entry only leaves
/// an empty directory behind.
class RecordLock {
 public:
  RecordLock(const os::Host& host, const fs::path& directory)
      : descriptor_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    using namespace std::chrono_literals;
    constexpr int k_tries = 200;
    for (int i = 0; i < k_tries && descriptor_ >= 0; ++i) {
      if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
      host.sleep_for(10ms);
    }
  }
  RecordLock(const RecordLock&) = delete;
  RecordLock& operator=(const RecordLock&) = delete;
  ~RecordLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  int descriptor_;
};

json::array raw_array(const std::set<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json::string(text));
  return array;
}

/// Deepest first, the order in which rmdir(2) can remove them.
std::vector<fs::path> deepest_first(std::vector<fs::path> directories) {
  std::stable_sort(directories.begin(), directories.end(),
                   [](const fs::path& a, const fs::path& b) { return a.size() > b.size(); });
  return directories;
}

/// The directories named after holdfast: safe to remove when empty, even if another command made them.
std::vector<fs::path> holdfast_directories(const Paths& paths) {
  std::vector<fs::path> directories{paths.tunnels, paths.config, paths.state};
  if (paths.scope == Scope::user) directories.push_back(paths.state.parent_path());
  return deepest_first(std::move(directories));
}

}  // namespace

fs::path installation_record_file(const Paths& paths) {
  // In the system scope, state has a directory named after each tunnel, and "installed.json" is a valid name.
  return paths.state / (paths.scope == Scope::system ? ".installed.json" : "installed.json");
}

std::string InstallationRecord::format() const {
  json::array directories;
  for (const fs::path& directory : directories_) directories.push_back(json::string(directory.native()));
  const json::object object{{"tunnels", raw_array(tunnels_)},
                            {"directories", std::move(directories)},
                            {"linger_turned_on", linger_turned_on_},
                            {"linger_needed_by", raw_array(linger_needed_by_)}};
  return json::serialize(object) + "\n";
}

bool InstallationRecord::parse(std::string_view text) {
  const auto object = parse_json_object(text, {.max_depth = 3, .any_bytes = true});  // file names have any bytes
  if (!object) return false;
  const auto tunnels = texts_member(*object, "tunnels");
  const auto directories = texts_member(*object, "directories");
  const auto needed_by = texts_member(*object, "linger_needed_by");
  const auto turned_on = flag_member(*object, "linger_turned_on");
  if (!tunnels || !directories || !needed_by || !turned_on) return false;
  for (const std::string& directory : *directories) {
    if (directory.empty() || directory.front() != '/' || directory.find('\0') != std::string::npos) return false;
    directories_.emplace_back(directory);
  }
  tunnels_.insert(tunnels->begin(), tunnels->end());
  linger_needed_by_.insert(needed_by->begin(), needed_by->end());
  linger_turned_on_ = *turned_on;
  return true;
}

bool InstallationRecord::is_linger_needed_beside(const std::string& name) const {
  return std::ranges::any_of(linger_needed_by_, [&](const auto& other) { return other != name; });
}

Result<InstallationRecord> InstallationRecord::load(const os::Host& host, const Paths& paths) {
  InstallationRecord record;
  const fs::path file = installation_record_file(paths);
  const os::FileStatus status = host.status(file);
  if (status.kind == os::FileKind::missing) return record;
  const uid_t owner = paths.scope == Scope::system ? 0 : host.user().uid;
  if (status.kind != os::FileKind::regular || (status.owner != owner && status.owner != 0) ||
      (status.mode & k_others_write) != 0)
    return Error{"reading", file.native(), "other users own it or can write to it", "remove it"};
  HOLDFAST_TRY(const std::string text, host.read_file(file, k_largest));
  if (!record.parse(text)) {
    record = InstallationRecord();
    record.damaged_ = true;
  }
  return record;
}

Result<> add_to_record(os::Host& host, const Paths& paths, const TunnelName& tunnel,
                       const std::vector<fs::path>& made_directories, LingerUse linger) {
  HOLDFAST_TRY(const std::vector<fs::path> made_now, host.make_directories(paths.state, paths.directory_mode));
  const RecordLock lock(host, paths.state);
  HOLDFAST_TRY(InstallationRecord record, InstallationRecord::load(host, paths));
  const auto add = [&](const std::vector<fs::path>& made) {
    for (const fs::path& directory : made)
      if (std::find(record.directories_.begin(), record.directories_.end(), directory) == record.directories_.end())
        record.directories_.push_back(directory);
  };
  add(made_now);
  add(made_directories);
  record.tunnels_.insert(tunnel.text());
  if (linger == LingerUse::needed || linger == LingerUse::turned_on) record.linger_needed_by_.insert(tunnel.text());
  if (linger == LingerUse::none) record.linger_needed_by_.erase(tunnel.text());
  record.linger_turned_on_ = record.linger_turned_on_ || linger == LingerUse::turned_on;
  auto written = host.write_file(installation_record_file(paths), record.format(), paths.file_mode);
  // Without the record no remove would delete these.
  for (auto made = made_now.rbegin(); !written && made != made_now.rend(); ++made)
    (void)host.remove_empty_directory(*made);
  return written;
}

Result<bool> claim_unused_linger(os::Host& host, const Paths& paths) {
  const RecordLock lock(host, paths.state);
  HOLDFAST_TRY(InstallationRecord record, InstallationRecord::load(host, paths));
  if (!record.linger_turned_on_ || !record.linger_needed_by_.empty()) return false;
  record.linger_turned_on_ = false;
  HOLDFAST_CHECK(host.write_file(installation_record_file(paths), record.format(), paths.file_mode));
  return true;
}

Result<Undo> drop_from_record(os::Host& host, const Paths& paths, const TunnelName& tunnel) {
  const RecordLock lock(host, paths.state);
  HOLDFAST_TRY(InstallationRecord record, InstallationRecord::load(host, paths));
  Undo undo;
  const fs::path file = installation_record_file(paths);
  const bool recorded = host.status(file).kind != os::FileKind::missing;
  undo.record_was_damaged = record.damaged_ || !recorded;
  undo.directories = undo.record_was_damaged ? holdfast_directories(paths) : deepest_first(record.directories_);
  record.tunnels_.erase(tunnel.text());
  record.linger_needed_by_.erase(tunnel.text());
  if (record.linger_turned_on_ && record.linger_needed_by_.empty()) {
    undo.linger_off = true;
    record.linger_turned_on_ = false;
  }
  if (!recorded) return undo;
  if (record.tunnels_.empty()) {
    HOLDFAST_CHECK(host.remove_file(file));
    // Another host with the same home may have made the parent and could not remove it while our files were there.
    if (paths.scope == Scope::user) undo.directories.push_back(paths.state.parent_path());
  } else {
    HOLDFAST_CHECK(host.write_file(file, record.format(), paths.file_mode));
  }
  return undo;
}

}  // namespace holdfast::store
