// The changes of setup on this host besides the tunnel's own files, so that the last remove can undo it: directories
// that it made, and linger that it turned on. One JSON file a scope and host: state/installed.json.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <set>
#include <string>
#include <vector>

namespace holdfast::store {

/// How the setup of a tunnel uses linger.
enum class LingerUse {
  as_before,  ///< no change
  none,       ///< the tunnel does not need it
  needed,     ///< the tunnel needs it, and it was already on
  turned_on,  ///< the tunnel needs it, and setup turned it on
};

/// The changes to undo after a tunnel was removed.
struct Undo {
  std::vector<fs::path> directories;  ///< deepest first; remove each one that is empty
  bool linger_off = false;            ///< setup turned it on, and no tunnel needs it any more
  bool record_was_damaged = false;    ///< or missing: linger stays, and only directories named holdfast go
};

class InstallationRecord {
 public:
  /// A missing record reads as an empty one, a damaged one as an empty one with damaged(). A record that other users
  /// own or can write to is an error.
  [[nodiscard]] static Result<InstallationRecord> load(const os::Host& host, const Paths& paths);

  [[nodiscard]] const std::set<std::string>& tunnels() const noexcept { return tunnels_; }
  [[nodiscard]] const std::vector<fs::path>& directories() const noexcept { return directories_; }
  [[nodiscard]] bool linger_turned_on() const noexcept { return linger_turned_on_; }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }
  /// True when a tunnel other than `name` needs linger.
  [[nodiscard]] bool is_linger_needed_beside(const std::string& name) const;

 private:
  friend Result<> add_to_record(os::Host&, const Paths&, const TunnelName&, const std::vector<fs::path>&, LingerUse);
  friend Result<bool> claim_unused_linger(os::Host&, const Paths&);
  friend Result<Undo> drop_from_record(os::Host&, const Paths&, const TunnelName&);
  [[nodiscard]] std::string format() const;
  [[nodiscard]] bool parse(std::string_view text);

  std::set<std::string> tunnels_;
  std::set<std::string> linger_needed_by_;
  std::vector<fs::path> directories_;  ///< outermost first
  bool linger_turned_on_ = false;
  bool damaged_ = false;
};

/// paths.state / "installed.json"; with a dot in front in the system scope
[[nodiscard]] fs::path installation_record_file(const Paths& paths);

/// Records that `tunnel` is set up here, with the directories that setup made. Makes the state directory when it is
/// missing, and records that too. Setup calls it twice: before it installs anything, since otherwise systemd would make
/// the state directory, and again with the directories that the installation made. Safe for concurrent setups.
[[nodiscard]] Result<> add_to_record(os::Host& host, const Paths& paths, const TunnelName& tunnel,
                                     const std::vector<fs::path>& made_directories, LingerUse linger);

/// True when setup turned linger on and no tunnel needs it any more: the caller then turns it off. The record no longer
/// says that setup turned it on.
[[nodiscard]] Result<bool> claim_unused_linger(os::Host& host, const Paths& paths);

/// Removes `tunnel` from the record, after its files are gone, and returns the changes that the caller must undo.
/// Removes the record with its last tunnel. An unknown tunnel is no error.
[[nodiscard]] Result<Undo> drop_from_record(os::Host& host, const Paths& paths, const TunnelName& tunnel);

}  // namespace holdfast::store
