// Records what `status` draws the uptime chart from: store/uptime.
#pragma once

#include "os/host.hpp"
#include "store/uptime.hpp"
#include "supervisor/machine/view.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace holdfast::supervisor {

/// Measures time with the steady clock and dates it with the wall clock. When the two diverge, because the machine
/// slept or its clock was set, the row ends and a new one begins: there is no data for the time between. A row is
/// written at the end of its quarter of an hour, so a power cut loses no more than that.
class UptimeRecorder {
 public:
  UptimeRecorder(const os::Host& host, boost::filesystem::path file);
  ~UptimeRecorder();
  UptimeRecorder(const UptimeRecorder&) = delete;
  UptimeRecorder& operator=(const UptimeRecorder&) = delete;

  /// The tunnel has this state from now on. Until now it had the state of the previous call.
  void publish(const View& view);

 private:
  enum class Kind { none, up, degraded, down };
  static Kind kind_of(const View& view);

  void begin(WallTime from);
  void record_until_now();
  void record(std::chrono::milliseconds span);
  void add(std::chrono::milliseconds span);
  void write();
  void count_reconnects(const View& view);

  const os::Host& host_;
  store::UptimeLog log_;
  std::optional<store::UptimeRow> row_;  ///< Empty before the first publish() and after `stopped`.
  std::chrono::steady_clock::time_point recorded_until_;
  Kind kind_ = Kind::none;
  std::optional<double> rtt_ms_;
  double rtt_sum_ = 0;  ///< Of rtt × time, in this row.
  std::chrono::milliseconds rtt_time_{0};
  std::uint64_t reconnects_ = 0;
  std::uint64_t errors_ = 0;  ///< When a forward worked last.
  bool has_view_ = false;
};

}  // namespace holdfast::supervisor
