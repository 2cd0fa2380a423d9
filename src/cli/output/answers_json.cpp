#include "cli/output/answers_json.hpp"
#include "core/json.hpp"

#include <boost/json.hpp>

namespace holdfast::cli {

namespace json = boost::json;
namespace {

json::object error_value(const Error& error) {
  return {{"class", json_text(error.class_text())},
          {"message", json_text(error.line())},
          {"hint", text_or_null(error.hint)}};
}

}  // namespace

std::string error_json(const Error& error) { return json::serialize(json::object{{"error", error_value(error)}}); }

std::string removal_json(const std::vector<Removed>& removed, const std::optional<Error>& failure) {
  json::array tunnels;
  for (const auto& [name, report] : removed)
    tunnels.push_back(json::object{{"name", json_text(name)}, {"report", json_array(report)}});
  return json::serialize(json::object{{"removed", std::move(tunnels)},
                                      {"error", failure ? json::value(error_value(*failure)) : json::value(nullptr)}});
}

std::string log_json(const std::string& name, const std::vector<std::string>& lines) {
  return json::serialize(json::object{{"name", json_text(name)}, {"lines", json_array(lines)}});
}

std::string plan_json(const std::vector<std::string>& lines) {
  return json::serialize(json::object{{"plan", json_array(lines)}, {"checked", false}});
}

}  // namespace holdfast::cli
