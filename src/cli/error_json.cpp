#include "cli/error_json.hpp"

#include "core/text.hpp"

#include <boost/json.hpp>

namespace holdfast::cli {

std::string error_json(const Error& error) {
  namespace json = boost::json;
  return json::serialize(json::object{
      {"error",
       json::object{{"class", error.class_text()},
                    {"message", error.line()},
                    {"hint", error.hint.empty() ? json::value(nullptr) : json::value(printable(error.hint))}}}});
}

}  // namespace holdfast::cli
