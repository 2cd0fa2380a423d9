#include "store/installation_record.hpp"

#include "core/text.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

namespace holdfast::store {
namespace {

namespace json = boost::json;

constexpr std::size_t k_largest = 1 << 20;

/// Keeps two setups from losing each other's notes: flock(2) on the state directory itself, so that no lock file stays
/// behind. A file system that cannot (some NFS) is gone without: a lost note leaves an empty directory, no more.
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

json::array text_array(const std::set<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.push_back(json::string(text));
  return array;
}

/// Strings of an array member; nothing when it is missing or holds anything else.
std::optional<std::vector<std::string>> texts_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  const json::array* array = value == nullptr ? nullptr : value->if_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const json::value& item : *array) {
    const json::string* text = item.if_string();
    if (text == nullptr) return std::nullopt;
    texts.emplace_back(text->data(), text->size());
  }
  return texts;
}

/// Deepest first, so that rmdir(2) can take one after the other.
std::vector<fs::path> deepest_first(std::vector<fs::path> directories) {
  std::stable_sort(directories.begin(), directories.end(),
                   [](const fs::path& a, const fs::path& b) { return a.size() > b.size(); });
  return directories;
}

/// The directories that are ours by name. They may go when empty whoever made them; of the others nothing is known.
std::vector<fs::path> directories_of_ours(const Paths& paths) {
  std::vector<fs::path> directories{paths.tunnels, paths.config, paths.state};
  if (paths.scope == Scope::user) directories.push_back(paths.state.parent_path());
  return deepest_first(std::move(directories));
}

}  // namespace

fs::path installation_record_file(const Paths& paths) { return paths.state / "installed.json"; }

std::string InstallationRecord::format() const {
  json::array directories;
  for (const fs::path& directory : directories_) directories.push_back(json::string(directory.native()));
  const json::object object{{"tunnels", text_array(tunnels_)},
                            {"directories", std::move(directories)},
                            {"linger_turned_on", linger_turned_on_},
                            {"linger_needed_by", text_array(linger_needed_by_)}};
  return json::serialize(object) + "\n";
}

bool InstallationRecord::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = 3;
  options.allow_invalid_utf8 = true;  // a directory's name may hold any byte
  boost::system::error_code failed;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), failed, {}, options);
  const json::object* object = failed ? nullptr : value.if_object();
  if (object == nullptr) return false;
  const auto tunnels = texts_of(*object, "tunnels");
  const auto directories = texts_of(*object, "directories");
  const auto needed_by = texts_of(*object, "linger_needed_by");
  const json::value* turned_on = object->if_contains("linger_turned_on");
  if (!tunnels || !directories || !needed_by || turned_on == nullptr || !turned_on->is_bool()) return false;
  for (const std::string& directory : *directories) {
    if (directory.empty() || directory.front() != '/' || directory.find('\0') != std::string::npos) return false;
    directories_.emplace_back(directory);
  }
  tunnels_.insert(tunnels->begin(), tunnels->end());
  linger_needed_by_.insert(needed_by->begin(), needed_by->end());
  linger_turned_on_ = turned_on->get_bool();
  return true;
}

Result<InstallationRecord> InstallationRecord::load(const os::Host& host, const Paths& paths) {
  InstallationRecord record;
  const fs::path file = installation_record_file(paths);
  const os::FileStatus status = host.status(file);
  if (status.kind == os::FileKind::missing) return record;
  const uid_t owner = paths.scope == Scope::system ? 0 : host.user().uid;
  if (status.kind != os::FileKind::regular || (status.owner != owner && status.owner != 0) || (status.mode & 0022) != 0)
    return Error{"reading", file.native(), "it is not a file of ours alone", "remove it"};
  HOLDFAST_TRY(const std::string text, host.read_file(file, k_largest));
  if (!record.parse(text)) {
    record = InstallationRecord();
    record.torn_ = true;
  }
  return record;
}

Result<> add_to_record(os::Host& host, const Paths& paths, const TunnelName& tunnel,
                       const std::vector<fs::path>& made_directories, LingerUse linger) {
  HOLDFAST_TRY(const std::vector<fs::path> made_now, host.make_directories(paths.state, paths.directory_mode));
  const RecordLock lock(host, paths.state);
  HOLDFAST_TRY(InstallationRecord record, InstallationRecord::load(host, paths));
  const auto note = [&](const std::vector<fs::path>& made) {
    for (const fs::path& directory : made)
      if (std::find(record.directories_.begin(), record.directories_.end(), directory) == record.directories_.end())
        record.directories_.push_back(directory);
  };
  note(made_now);
  note(made_directories);
  record.tunnels_.insert(tunnel.text());
  if (linger == LingerUse::needed || linger == LingerUse::turned_on) record.linger_needed_by_.insert(tunnel.text());
  if (linger == LingerUse::none) record.linger_needed_by_.erase(tunnel.text());
  record.linger_turned_on_ = record.linger_turned_on_ || linger == LingerUse::turned_on;
  auto written = host.write_file(installation_record_file(paths), record.format(), paths.file_mode);
  // What is not noted is not undone later.
  for (auto made = made_now.rbegin(); !written && made != made_now.rend(); ++made)
    (void)host.remove_empty_directory(*made);
  return written;
}

Result<bool> take_idle_linger(os::Host& host, const Paths& paths) {
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
  undo.record_was_torn = record.torn_ || !recorded;
  undo.directories = undo.record_was_torn ? directories_of_ours(paths) : deepest_first(record.directories_);
  record.tunnels_.erase(tunnel.text());
  record.linger_needed_by_.erase(tunnel.text());
  if (record.linger_turned_on_ && record.linger_needed_by_.empty()) {
    undo.linger_off = true;
    record.linger_turned_on_ = false;
  }
  if (!recorded) return undo;
  if (record.tunnels_.empty()) {
    HOLDFAST_CHECK(host.remove_file(file));
    // Another host of the same home may have made it, and could not take it away while we kept something there.
    if (paths.scope == Scope::user) undo.directories.push_back(paths.state.parent_path());
  } else {
    // An empty directory that the caller removes now may come back by a later setup, which notes it again.
    HOLDFAST_CHECK(host.write_file(file, record.format(), paths.file_mode));
  }
  return undo;
}

}  // namespace holdfast::store
