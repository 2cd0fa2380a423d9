#include "store/uptime.hpp"

#include "core/json.hpp"
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
constexpr std::uint64_t k_most_reconnects = 100'000;

std::optional<Span> span_member(const json::object& object, const char* name) {
  const auto number = number_member(object, name, static_cast<std::uint64_t>(k_longest_row.count()));
  return number ? std::optional(Span(static_cast<Span::rep>(*number))) : std::nullopt;
}

std::optional<RoundTrip> round_trip_member(const json::object& object) {
  const json::array* array = array_member(object, "rtt_ms");
  if (array == nullptr || array->size() != 3) return std::nullopt;
  std::array<double, 3> figures{};
  for (std::size_t i = 0; i < figures.size(); ++i) {
    boost::system::error_code failed;
    figures.at(i) = array->at(i).to_number<double>(failed);
    if (failed || !(figures.at(i) >= 0 && figures.at(i) <= k_longest_round_trip_ms)) return std::nullopt;
  }
  return RoundTrip{figures[0], figures[1], figures[2]};
}

std::map<FailureClass, std::uint32_t> reconnects_member(const json::object& object) {
  std::map<FailureClass, std::uint32_t> counts;
  const json::object* by_class = object_member(object, "reconnects");
  if (by_class == nullptr) return counts;
  for (const auto& item : *by_class)
    if (const auto count = number_member(*by_class, item.key(), k_most_reconnects))
      counts[failure_class_from(item.key()).value_or(FailureClass::unknown)] += static_cast<std::uint32_t>(*count);
  return counts;
}

std::optional<UptimeRow> parse_row(std::string_view line) {
  const auto object = parse_json_object(line, {.max_depth = 3});
  if (!object) return std::nullopt;
  const auto from = from_rfc3339(text_member(*object, "from").value_or(""));
  const auto length = span_member(*object, "ms");
  const auto up = span_member(*object, "up_ms");
  const auto degraded = span_member(*object, "degraded_ms");
  const auto down = span_member(*object, "down_ms");
  if (!from || !length || !up || !degraded || !down || *up + *degraded + *down > *length) return std::nullopt;
  return UptimeRow{*from, *length, *up, *degraded, *down, round_trip_member(*object), reconnects_member(*object)};
}

double rounded(double ms) { return std::round(ms * 10) / 10; }

}  // namespace

UptimeLog::UptimeLog(boost::filesystem::path file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

Result<> UptimeLog::append(const UptimeRow& row) {
  json::object object{{"from", json_text(to_rfc3339(row.from))},
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
