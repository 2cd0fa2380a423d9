#include "store/uptime.hpp"

#include "os/append_file.hpp"
#include "store/history.hpp"

#include <boost/json.hpp>

#include <array>
#include <cmath>
#include <utility>

namespace holdfast::store {
namespace {

namespace json = boost::json;
using Span = UptimeRow::Span;

constexpr Span k_longest_row = std::chrono::hours(24 * 31);
constexpr double k_longest_round_trip_ms = 600'000;
constexpr std::int64_t k_most_reconnects = 100'000;

std::optional<Span> span_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const Span span(value->get_int64());
  return span >= Span{0} && span <= k_longest_row ? std::optional(span) : std::nullopt;
}

std::optional<RoundTrip> round_trip_of(const json::object& object) {
  const json::value* value = object.if_contains("rtt_ms");
  const json::array* array = value == nullptr ? nullptr : value->if_array();
  if (array == nullptr || array->size() != 3) return std::nullopt;
  std::array<double, 3> figures{};
  for (std::size_t i = 0; i < figures.size(); ++i) {
    boost::system::error_code failed;
    figures.at(i) = array->at(i).to_number<double>(failed);
    if (failed || !(figures.at(i) >= 0 && figures.at(i) <= k_longest_round_trip_ms)) return std::nullopt;
  }
  return RoundTrip{figures[0], figures[1], figures[2]};
}

std::map<FailureClass, std::uint32_t> reconnects_of(const json::object& object) {
  std::map<FailureClass, std::uint32_t> counts;
  const json::value* value = object.if_contains("reconnects");
  if (value == nullptr || !value->is_object()) return counts;
  for (const auto& [key, count] : value->get_object()) {
    const auto failure = failure_class_from(std::string_view(key.data(), key.size()));
    if (!count.is_int64() || count.get_int64() < 0 || count.get_int64() > k_most_reconnects) continue;
    counts[failure.value_or(FailureClass::unknown)] += static_cast<std::uint32_t>(count.get_int64());
  }
  return counts;
}

std::optional<UptimeRow> parse_row(std::string_view line) {
  json::parse_options options;
  options.max_depth = 3;
  boost::system::error_code failed;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), failed, {}, options);
  const json::object* object = failed ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  const json::value* from = object->if_contains("from");
  if (from == nullptr || !from->is_string()) return std::nullopt;
  const auto& text = from->get_string();
  const auto at = from_rfc3339(std::string_view(text.data(), text.size()));
  const auto length = span_of(*object, "ms");
  const auto up = span_of(*object, "up_ms");
  const auto degraded = span_of(*object, "degraded_ms");
  const auto down = span_of(*object, "down_ms");
  if (!at || !length || !up || !degraded || !down || *up + *degraded + *down > *length) return std::nullopt;
  return UptimeRow{*at, *length, *up, *degraded, *down, round_trip_of(*object), reconnects_of(*object)};
}

double rounded(double ms) { return std::round(ms * 10) / 10; }

}  // namespace

UptimeLog::UptimeLog(boost::filesystem::path file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

Result<> UptimeLog::append(const UptimeRow& row) {
  json::object object{{"from", json::string(to_rfc3339(row.from))},
                      {"ms", row.length.count()},
                      {"up_ms", row.up.count()},
                      {"degraded_ms", row.degraded.count()},
                      {"down_ms", row.down.count()}};
  if (row.rtt)
    object["rtt_ms"] = json::array{rounded(row.rtt->low_ms), rounded(row.rtt->mean_ms), rounded(row.rtt->high_ms)};
  if (!row.reconnects.empty()) {
    json::object counts;
    for (const auto& [failure, count] : row.reconnects) counts[to_text(failure)] = count;
    object["reconnects"] = std::move(counts);
  }
  return os::append_line(file_, json::serialize(object), limit_);
}

std::vector<UptimeRow> UptimeLog::read(const boost::filesystem::path& file) {
  std::vector<UptimeRow> rows;
  for (const std::string& line : newest_lines(file))
    if (auto row = parse_row(line)) rows.push_back(std::move(*row));
  return rows;
}

}  // namespace holdfast::store
