// How long a tunnel was up, and how long its round trips took, quarter of an hour by quarter of an hour: what `status`
// draws the last day and week from. Transitions alone do not tell it: of a supervisor that was killed, or of a machine
// that lost its power, the last word is "up".
#pragma once

#include "core/failure.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace holdfast::store {

inline constexpr std::chrono::minutes k_uptime_quarter{15};

struct RoundTrip {
  double low_ms = 0;
  double mean_ms = 0;
  double high_ms = 0;
  bool operator==(const RoundTrip&) const = default;
};

/// A stretch of time that a supervisor saw: the whole of it, or what it had of a quarter of an hour. What is left of
/// `length` beside up, degraded and down it stood by for another host.
struct UptimeRow {
  using Span = std::chrono::milliseconds;

  WallTime from;
  Span length{0};
  Span up{0};
  Span degraded{0};  ///< some of its forwards worked, or the target did not answer
  Span down{0};
  std::optional<RoundTrip> rtt = {};
  std::map<FailureClass, std::uint32_t> reconnects = {};  ///< by what ended the connection before
  bool operator==(const UptimeRow&) const = default;
};

/// One JSON object a line, turned over like the history: some 130 bytes a row, so that 128 KiB hold ten days at least
/// and all of it never more than twice that.
class UptimeLog {
 public:
  explicit UptimeLog(boost::filesystem::path file, std::size_t limit = 128 * 1024);
  [[nodiscard]] Result<> append(const UptimeRow& row);

  /// Oldest first as they were written. A line that is torn, foreign or says what cannot be is passed over.
  [[nodiscard]] static std::vector<UptimeRow> read(const boost::filesystem::path& file);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

}  // namespace holdfast::store
