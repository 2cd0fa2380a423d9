#include "supervisor/report/uptime_recorder.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using std::chrono::milliseconds;
using store::TunnelState;

/// More than slewing changes a clock between two reports, and too little to be seen in the chart.
constexpr milliseconds k_clock_tolerance{5000};

WallTime end_of_quarter(WallTime time) {
  constexpr milliseconds k_quarter = store::k_uptime_quarter;
  return WallTime((time.time_since_epoch() / k_quarter + 1) * k_quarter);
}

}  // namespace

UptimeRecorder::UptimeRecorder(const os::Host& host, boost::filesystem::path file)
    : host_(host), log_(std::move(file)), recorded_until_(host.now()) {}

UptimeRecorder::~UptimeRecorder() {
  if (!row_) return;
  record_until_now();
  write();
}

UptimeRecorder::Kind UptimeRecorder::kind_of(const View& view) {
  const bool carries = std::ranges::find(view.forwards, store::ForwardState::up) != view.forwards.end();
  switch (view.state) {
    case TunnelState::up:
      return view.verified || !view.last_error ? Kind::up : Kind::degraded;
    case TunnelState::degraded:
      return Kind::degraded;
    case TunnelState::connecting:
    case TunnelState::waiting:
    case TunnelState::failed:
      return carries ? Kind::degraded : Kind::down;
    case TunnelState::standby:
    case TunnelState::stopped:
      break;
  }
  return Kind::none;
}

void UptimeRecorder::publish(const View& view) {
  if (row_)
    record_until_now();
  else if (view.state != TunnelState::stopped)
    begin(host_.wall_now());
  recorded_until_ = host_.now();
  kind_ = kind_of(view);
  rtt_ms_ = view.rtt_ms;
  count_reconnects(view);
  if (view.state == TunnelState::stopped && row_) {
    write();
    row_.reset();
  }
}

/// The error since the tunnel was up is why the connection ended. Without one the reconnect was requested.
void UptimeRecorder::count_reconnects(const View& view) {
  if (!has_view_) reconnects_ = view.reconnects;  // the predecessor recorded its own
  has_view_ = true;
  if (row_ && view.reconnects > reconnects_) {
    const bool has_cause = view.last_error && view.errors != errors_;
    row_->reconnects[has_cause ? view.last_error->failure : FailureClass::unknown] +=
        static_cast<std::uint32_t>(view.reconnects - reconnects_);
  }
  reconnects_ = view.reconnects;
  if (store::carries(view.state)) errors_ = view.errors;
}

void UptimeRecorder::begin(WallTime from) {
  row_ = store::UptimeRow{.from = from};
  rtt_sum_ = 0;
  rtt_time_ = milliseconds{0};
}

void UptimeRecorder::record_until_now() {
  const auto elapsed = std::chrono::duration_cast<milliseconds>(host_.now() - recorded_until_);
  recorded_until_ = host_.now();
  const auto wall = host_.wall_now();
  const auto divergence = wall - (row_->from + row_->length + elapsed);
  const bool diverged = std::chrono::abs(divergence) > k_clock_tolerance;
  record(elapsed);
  if (!diverged) return;
  write();
  begin(wall);
}

void UptimeRecorder::record(milliseconds span) {
  constexpr milliseconds k_quarter = store::k_uptime_quarter;
  while (span > milliseconds{0}) {
    const milliseconds left = end_of_quarter(row_->from) - (row_->from + row_->length);
    if (span < left) return add(span);
    // Whole quarters without a change make one row.
    const milliseconds step = row_->length == milliseconds{0} ? left + (span - left) / k_quarter * k_quarter : left;
    add(step);
    span -= step;
    const auto end = row_->from + row_->length;
    write();
    begin(end);
  }
}

void UptimeRecorder::add(milliseconds span) {
  row_->length += span;
  if (kind_ == Kind::up) row_->up += span;
  if (kind_ == Kind::degraded) row_->degraded += span;
  if (kind_ == Kind::down) row_->down += span;
  if (kind_ != Kind::up || !rtt_ms_) return;
  rtt_sum_ += *rtt_ms_ * static_cast<double>(span.count());
  rtt_time_ += span;
  auto& rtt = row_->rtt;
  if (!rtt) rtt = store::RoundTrip{*rtt_ms_, *rtt_ms_, *rtt_ms_};
  rtt->low_ms = std::min(rtt->low_ms, *rtt_ms_);
  rtt->high_ms = std::max(rtt->high_ms, *rtt_ms_);
}

void UptimeRecorder::write() {
  const bool has_data = row_->up + row_->degraded + row_->down > milliseconds{0} || !row_->reconnects.empty();
  if (!has_data) return;
  if (row_->rtt && rtt_time_ > milliseconds{0}) row_->rtt->mean_ms = rtt_sum_ / static_cast<double>(rtt_time_.count());
  (void)log_.append(*row_);  // on a full disk this row is lost
}

}  // namespace holdfast::supervisor
