// The history (state transitions with reasons) and the log of a tunnel: append-only text files.
// A file that reaches its limit is rotated: FILE replaces FILE.1, and a new FILE begins, so both together hold at most
// twice the limit. Writes are not synced to disk: a power cut may lose the last line.
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

  /// The newest transitions of FILE.1 and FILE, oldest first. Invalid lines are skipped.
  [[nodiscard]] static std::vector<Transition> read(const boost::filesystem::path& file, std::size_t newest);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

/// The log of a tunnel: "2026-11-22T10:00:00Z text" lines.
class Log {
 public:
  explicit Log(boost::filesystem::path file, std::size_t limit = 1024 * 1024);
  /// Writes one line, with control bytes escaped. A failed write is ignored.
  void write(WallTime at, std::string_view line);

  /// The newest lines of FILE.1 and FILE, oldest first.
  [[nodiscard]] static std::vector<std::string> read(const boost::filesystem::path& file, std::size_t newest);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

/// The newest lines of FILE.1 and FILE, oldest first, without empty ones.
[[nodiscard]] std::vector<std::string> newest_lines(const boost::filesystem::path& file, std::size_t newest = SIZE_MAX);

/// The files that a History or Log writes: FILE and FILE.1.
[[nodiscard]] std::vector<boost::filesystem::path> files_of(const boost::filesystem::path& file);

}  // namespace holdfast::store
