// Uptime and round trips of a tunnel, one row each quarter of an hour: the data of the charts in `status`. Transitions
// alone cannot give it: after a killed supervisor or a power cut, the last transition still says "up".
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

/// A quarter of an hour, or the part of it that a supervisor ran. In the rest of `length`, besides up, degraded and
/// down, the tunnel was on standby for another host.
struct UptimeRow {
  using Span = std::chrono::milliseconds;

  WallTime from;
  Span length{0};
  Span up{0};
  Span degraded{0};  ///< only some forwards worked, or the target did not answer
  Span down{0};
  std::optional<RoundTrip> rtt = {};
  std::map<FailureClass, std::uint32_t> reconnects = {};  ///< by the failure that ended the previous connection
  bool operator==(const UptimeRow&) const = default;
};

/// One JSON object a line, rotated like the history. A row has about 130 bytes, so 128 KiB hold at least ten days.
class UptimeLog {
 public:
  explicit UptimeLog(boost::filesystem::path file, std::size_t limit = 128 * 1024);
  [[nodiscard]] Result<> append(const UptimeRow& row);

  /// In the order they were written. Invalid lines are skipped.
  [[nodiscard]] static std::vector<UptimeRow> read(const boost::filesystem::path& file);

 private:
  boost::filesystem::path file_;
  std::size_t limit_;
};

}  // namespace holdfast::store
