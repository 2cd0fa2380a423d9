// Transitions with their reasons, and the log: append-only files, bounded in size, readable by people.
#pragma once

#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "store/live_state.hpp"

#include <boost/filesystem/path.hpp>

#include <string>
#include <string_view>

namespace holdfast::store {

struct Transition {
  WallTime at;
  TunnelState from = TunnelState::stopped;
  TunnelState to = TunnelState::connecting;
  std::string reason;  ///< "ssh was killed", "bastion refused the connection"
};

/// One JSON object a line. Oldest lines are dropped (half of the file, atomically) when it passes `limit` bytes.
class History {
 public:
  History(boost::filesystem::path file, std::size_t limit = 256 * 1024);
  [[nodiscard]] Result<> append(const Transition& transition);
  [[nodiscard]] static std::vector<Transition> read(const boost::filesystem::path& file, std::size_t newest);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

/// The log of a tunnel: "2026-11-22T10:00:00Z text" lines; at `limit` it becomes NAME.log.1 and begins anew.
class Log {
 public:
  Log(boost::filesystem::path file, std::size_t limit = 1024 * 1024);
  void write(WallTime at, std::string_view line);  ///< control bytes escaped; a full disk is survived in silence

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

}  // namespace holdfast::store
