// Transitions with their reasons, and the log: append-only files, bounded in size, readable by people.
// Both are turned over at their limit: FILE becomes FILE.1 (an older FILE.1 goes) and begins anew, so a tunnel keeps
// at most twice the limit. Nothing is synced to disk: losing the last line in a power cut is not worth an fsync each.
#pragma once

#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "store/live_state.hpp"

#include <boost/filesystem/path.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::store {

struct Transition {
  WallTime at;
  TunnelState from = TunnelState::stopped;
  TunnelState to = TunnelState::connecting;
  std::string reason;  ///< "ssh was killed", "bastion refused the connection"
  bool operator==(const Transition&) const = default;
};

/// One JSON object a line: {"at":"2026-11-22T10:00:00Z","from":"up","to":"waiting","reason":"…"}.
class History {
 public:
  explicit History(boost::filesystem::path file, std::size_t limit = 128 * 1024);
  [[nodiscard]] Result<> append(const Transition& transition);

  /// The newest transitions, oldest of them first, FILE.1 included. A torn or foreign line is passed over.
  [[nodiscard]] static std::vector<Transition> read(const boost::filesystem::path& file, std::size_t newest);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

/// The log of a tunnel: "2026-11-22T10:00:00Z text" lines.
class Log {
 public:
  explicit Log(boost::filesystem::path file, std::size_t limit = 1024 * 1024);
  void write(WallTime at, std::string_view line);  ///< control bytes escaped; a full disk is survived in silence

  /// The newest lines, oldest of them first, FILE.1 included.
  [[nodiscard]] static std::vector<std::string> read(const boost::filesystem::path& file, std::size_t newest);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

/// The newest lines of such a file, oldest of them first, FILE.1 included; no empty ones.
[[nodiscard]] std::vector<std::string> newest_lines(const boost::filesystem::path& file, std::size_t newest = SIZE_MAX);

/// The files that a History or Log at `file` may have left: FILE and FILE.1.
[[nodiscard]] std::vector<boost::filesystem::path> files_of(const boost::filesystem::path& file);

}  // namespace holdfast::store
