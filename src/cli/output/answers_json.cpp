#include "cli/output/answers_json.hpp"

#include "core/text.hpp"

#include <boost/json.hpp>

namespace holdfast::cli {
namespace {

namespace json = boost::json;

// JSON is UTF-8; a line may quote any byte of a stranger's. A plan's step may have several lines.
json::string text(std::string_view bytes) {
  std::string out;
  for (const auto& line : split(bytes, '\n')) out += (out.empty() ? "" : "\n") + printable(line);
  return {out};
}

json::array array(const std::vector<std::string>& lines) {
  json::array values;
  for (const auto& line : lines) values.push_back(text(line));
  return values;
}

json::object error_value(const Error& error) {
  return {{"class", text(error.class_text())},
          {"message", text(error.line())},
          {"hint", error.hint.empty() ? json::value(nullptr) : json::value(text(error.hint))}};
}

}  // namespace

std::string error_json(const Error& error) { return json::serialize(json::object{{"error", error_value(error)}}); }

std::string removal_json(const std::vector<Removed>& removed, const std::optional<Error>& failure) {
  json::array tunnels;
  for (const auto& [name, report] : removed)
    tunnels.push_back(json::object{{"name", text(name)}, {"report", array(report)}});
  return json::serialize(json::object{{"removed", std::move(tunnels)},
                                      {"error", failure ? json::value(error_value(*failure)) : json::value(nullptr)}});
}

std::string log_json(const std::string& name, const std::vector<std::string>& lines) {
  return json::serialize(json::object{{"name", text(name)}, {"lines", array(lines)}});
}

std::string plan_json(const std::vector<std::string>& lines) {
  return json::serialize(json::object{{"plan", array(lines)}});
}

}  // namespace holdfast::cli
