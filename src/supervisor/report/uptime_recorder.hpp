// Keeps the record that `status` draws the past from: store/uptime.
#pragma once

#include "os/host.hpp"
#include "store/uptime.hpp"
#include "supervisor/machine/machine.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace holdfast::supervisor {

/// Time is measured by the steady clock and dated by the wall's. Where the two part, for the machine slept or its clock
/// was set, a row ends and another begins: of the time between nobody knows anything. A row is written when its quarter
/// of an hour is over, so that a power cut costs no more than that.
class UptimeRecorder {
 public:
  UptimeRecorder(const os::Host& host, boost::filesystem::path file);
  ~UptimeRecorder();
  UptimeRecorder(const UptimeRecorder&) = delete;
  UptimeRecorder& operator=(const UptimeRecorder&) = delete;

  /// As the tunnel is from now on; until now it was as told before.
  void publish(const View& view);

 private:
  enum class Kind { none, up, degraded, down };
  static Kind kind_of(const View& view);

  void begin(WallTime from);
  void catch_up();
  void pass(std::chrono::milliseconds span);
  void add(std::chrono::milliseconds span);
  void write();
  void count_reconnects(const View& view);

  const os::Host& host_;
  store::UptimeLog log_;
  std::optional<store::UptimeRow> row_;  ///< nothing before the first word, and after the last
  std::chrono::steady_clock::time_point seen_;
  Kind kind_ = Kind::none;
  std::optional<double> rtt_ms_;
  double rtt_sum_ = 0;  ///< of rtt × time, in this row
  std::chrono::milliseconds rtt_time_{0};
  std::uint64_t reconnects_ = 0;
  std::uint64_t errors_ = 0;  ///< how many there were when it was up
  bool has_view_ = false;
};

}  // namespace holdfast::supervisor
