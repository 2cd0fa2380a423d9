// A plan: what is to be done to the host, as data. apply() is the one place that does it.
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

/// Writes a file atomically; missing parents are made 0700 (0755 for a mode that others may read).
/// Undone: the former bytes and mode come back, or the file and the directories made go.
struct WriteFile {
  fs::path path;
  std::string bytes;
  mode_t mode = 0600;
  std::optional<mode_t> directory_mode = {};  ///< of parents that must be made
};

/// Removes a file if it is there. Undone: it is written again as it was; a symbolic link (never what it leads to)
/// is not made again.
struct RemoveFile {
  fs::path path;
};

/// Makes a directory and its missing parents. Undone: those made go, if they are empty.
struct MakeDirectory {
  fs::path path;
  mode_t mode = 0700;
};

/// Removes a directory if it is there and empty; anything else leaves it. Undone: made again with its mode.
struct RemoveEmptyDirectory {
  fs::path path;
};

/// Removes a whole directory tree that is ours alone (a state or runtime directory), following no link. Not undone.
struct RemoveTree {
  fs::path path;
};

/// Runs a command. `undo`, when given, is run if a later step fails.
struct Run {
  os::Command command;
  std::optional<os::Command> undo = {};
  bool may_fail = false;  ///< a non-zero exit is accepted (and no undo is run for it)
  std::chrono::milliseconds deadline{20000};
  std::vector<int> also_fine = {};  ///< exit codes besides 0 that mean: it was so already (and no undo is run)
  /// Its output is the pid of a process that outlives it, and this is where that is noted, as StartDetached does.
  std::optional<fs::path> pidfile = {};
};

/// Does nothing now; run when the plan is unwound. Stands *before* the steps whose undoing it has to follow:
/// systemd must reload after a unit file has been put back, not before.
struct OnUnwind {
  os::Command command;
};

/// Starts a process that outlives us and writes its identity (host, boot id, pid, start time) to `pidfile`. The
/// pidfile's directory must be ours and closed to others; it is made 0700 if missing (/tmp is empty after a reboot).
/// Undone: it is terminated and the pidfile removed.
struct StartDetached {
  os::Detached detached;
  fs::path pidfile;
};

/// Ends the process that `pidfile` names, if it is still that very process on this host and boot: SIGTERM, after
/// `grace` SIGKILL; then removes the pidfile. A stranger's pid is never signalled. Not undone.
struct Terminate {
  fs::path pidfile;
  std::chrono::milliseconds grace{5000};
};

/// Puts `lines` between the markers of `name` in the calling user's crontab, or takes the block away; every other byte
/// stays. Undone: the former bytes come back, or, if somebody edited the crontab meanwhile, the former block.
struct EditCrontab {
  /// Of a step that undoes: when the crontab still is as it was `written`, it becomes as it was before (nothing: none).
  struct Before {
    std::optional<std::string> written;
    std::optional<std::string> previous;
  };
  TunnelName name;
  std::optional<std::string> lines;  ///< each ended by a line break; nothing: the block goes
  std::optional<Before> before = {};
};

/// Carries the edit out, looks that the crontab gives it back, and undoes it at once.
struct TryCrontab {
  EditCrontab edit;
};

/// Puts `lines` between the markers of `label` in a file of the user's, or takes the block away; every other byte
/// stays, and so do the file's mode, its owner and a link that leads to it. Undone: the former bytes come back, or, if
/// somebody edited the file meanwhile, the former block.
struct EditBlock {
  /// Of a step that undoes: when the file still is as it was `written`, it becomes as it was before (nothing: no file).
  struct Before {
    std::optional<std::string> written;
    std::optional<std::string> previous;
  };
  fs::path file;
  std::string label;
  std::optional<std::string> lines;  ///< each ended by a line break; nothing: the block goes
  std::optional<Before> before = {};
};

using Step = std::variant<WriteFile, RemoveFile, MakeDirectory, RemoveEmptyDirectory, RemoveTree, Run, OnUnwind,
                          StartDetached, Terminate, EditCrontab, TryCrontab, EditBlock>;
using Plan = std::vector<Step>;

}  // namespace holdfast::backends
