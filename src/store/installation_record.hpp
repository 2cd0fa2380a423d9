// What setup had to change on this host besides the tunnel's own files, so that the last remove can undo it:
// directories that were not there, and linger that was off. One JSON file a scope and host: state/installed.json.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <set>
#include <string>
#include <vector>

namespace holdfast::store {

/// What a tunnel's setup did about linger.
enum class LingerUse {
  as_before,  ///< nothing new is known
  none,       ///< the tunnel does not need it
  needed,     ///< the tunnel needs it, and it was on already
  turned_on,  ///< the tunnel needs it, and setup turned it on
};

/// What may be undone now that a tunnel is gone.
struct Undo {
  std::vector<fs::path> directories;  ///< deepest first; each is to be removed if it is empty, kept otherwise
  bool linger_off = false;            ///< we turned it on, and no tunnel of ours needs it any more
  bool record_was_torn = false;       ///< torn, or missing: linger is left alone, only directories named holdfast go
};

class InstallationRecord {
 public:
  /// A missing record is an empty one; a torn one is empty and says so by torn(). A foreign one is an error.
  [[nodiscard]] static Result<InstallationRecord> load(const os::Host& host, const Paths& paths);

  [[nodiscard]] const std::set<std::string>& tunnels() const noexcept { return tunnels_; }
  [[nodiscard]] const std::vector<fs::path>& directories() const noexcept { return directories_; }
  [[nodiscard]] bool linger_turned_on() const noexcept { return linger_turned_on_; }
  [[nodiscard]] bool torn() const noexcept { return torn_; }

 private:
  friend Result<> add_to_record(os::Host&, const Paths&, const TunnelName&, const std::vector<fs::path>&, LingerUse);
  friend Result<bool> take_idle_linger(os::Host&, const Paths&);
  friend Result<Undo> drop_from_record(os::Host&, const Paths&, const TunnelName&);
  [[nodiscard]] std::string format() const;
  [[nodiscard]] bool parse(std::string_view text);

  std::set<std::string> tunnels_;
  std::set<std::string> linger_needed_by_;
  std::vector<fs::path> directories_;  ///< outermost first
  bool linger_turned_on_ = false;
  bool torn_ = false;
};

/// places.state / "installed.json"
[[nodiscard]] fs::path installation_record_file(const Paths& paths);

/// Notes that `tunnel` is set up here and what that took. Makes the state directory if need be, and notes that too.
/// Called again for the same tunnel it adds what is new: first before anything is installed (systemd must not be the
/// one that makes the state directory), then with the directories that installing made. Two setups at once do not lose
/// each other's notes.
[[nodiscard]] Result<> add_to_record(os::Host& host, const Paths& paths, const TunnelName& tunnel,
                                     const std::vector<fs::path>& made_directories, LingerUse linger);

/// True when setup turned linger on and no tunnel needs it any more: the caller turns it off. Forgets that it did.
[[nodiscard]] Result<bool> take_idle_linger(os::Host& host, const Paths& paths);

/// Forgets `tunnel`, after its files are gone, and says what is now to be undone. With the last tunnel the record
/// itself is removed. A tunnel that the record does not know is no error. The caller then takes each of
/// Undo::directories that is empty away (Host::remove_empty_directory, errors ignored).
[[nodiscard]] Result<Undo> drop_from_record(os::Host& host, const Paths& paths, const TunnelName& tunnel);

}  // namespace holdfast::store
