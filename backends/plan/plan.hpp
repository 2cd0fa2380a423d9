// A plan: changes to the host, as data. Only apply() executes it.
#pragma once

#include "core/tunnel_name.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::backends {

namespace fs = boost::filesystem;

/// Writes a file atomically and creates missing parents. Undo restores the previous bytes and mode, or removes the file
/// and the directories created.
struct WriteFile {
  fs::path path;
  std::string bytes;
  mode_t mode = 0600;
  std::optional<mode_t> directory_mode =
      {};  ///< of created parents; empty: 0755 if others may read the file, else 0700
};

/// Removes a file if it exists. A symbolic link is removed itself, never its target. Undo writes a regular file again;
/// it does not recreate a link.
struct RemoveFile {
  fs::path path;
};

/// Creates a directory and its missing parents. Undo removes those created, if they are empty.
struct MakeDirectory {
  fs::path path;
  mode_t mode = 0700;
};

/// Removes a directory if it exists and is empty. Undo creates it again with its mode.
struct RemoveEmptyDirectory {
  fs::path path;
};

/// Removes a state or runtime directory with its content, following no link. Cannot be undone.
struct RemoveTree {
  fs::path path;
};

/// Runs a command. Undo runs `undo`, if there is one.
struct Run {
  os::Command command;
  std::optional<os::Command> undo = {};
  bool may_fail = false;  ///< any exit status is accepted; `undo` applies only after status 0
  std::chrono::milliseconds deadline{20000};
  std::vector<int> also_fine = {};  ///< further accepted exit codes, after which nothing has to be undone
  /// The command prints the pid of a process that outlives it; its identity is written here, as StartDetached does.
  std::optional<fs::path> pidfile = {};
};

/// Does nothing now, and runs a command when the plan is unwound. It stands *before* the steps whose undo it must
/// follow: systemd has to reload after a unit file was restored.
struct OnUnwind {
  os::Command command;
};

/// Starts a process that outlives us and writes its identity (host, boot id, pid, start time) to `pidfile`. The
/// directory of the pidfile must be ours and closed to others; a missing one (/tmp is empty after a reboot) is created
/// 0700. Undo ends the process and removes the pidfile.
struct StartDetached {
  os::Detached detached;
  fs::path pidfile;
};

/// Ends the process that `pidfile` names: SIGTERM, then SIGKILL after `grace`. Removes the pidfile. A process that
/// merely has the same pid is never signalled. Cannot be undone.
struct Terminate {
  fs::path pidfile;
  std::chrono::milliseconds grace{5000};
};

/// Writes `lines` between the markers of `name` in the calling user's crontab, or removes the block; every other byte
/// stays. Undo restores the previous bytes or, if the crontab was edited meanwhile, the previous block.
struct EditCrontab {
  /// For undo: a crontab that still equals `written` becomes `previous`. Empty means no crontab.
  struct Before {
    std::optional<std::string> written;
    std::optional<std::string> previous;
  };
  TunnelName name;
  std::optional<std::string> lines;  ///< each with its line break; empty: remove the block
  std::optional<Before> before = {};
};

/// Makes the edit, checks that the crontab returns it, and undoes it at once.
struct TryCrontab {
  EditCrontab edit;
};

/// Writes `lines` between the markers of `label` in a file of the user's, or removes the block. Every other byte, mode,
/// owner and a link to the file stay. Undo restores the previous bytes or, if the file was edited meanwhile, the
/// previous block.
struct EditBlock {
  /// For undo: a file that still equals `written` becomes `previous`. Empty means no file.
  struct Before {
    std::optional<std::string> written;
    std::optional<std::string> previous;
  };
  fs::path file;
  std::string label;
  std::optional<std::string> lines;  ///< each with its line break; empty: remove the block
  std::optional<Before> before = {};
};

using Step = std::variant<WriteFile, RemoveFile, MakeDirectory, RemoveEmptyDirectory, RemoveTree, Run, OnUnwind,
                          StartDetached, Terminate, EditCrontab, TryCrontab, EditBlock>;
using Plan = std::vector<Step>;

}  // namespace holdfast::backends
