#include "mcp/message.hpp"

#include <boost/json.hpp>

namespace holdfast::mcp {
namespace json = boost::json;

Message read_message(json::value value) {
  auto* object = value.if_object();
  if (object == nullptr) return Malformed{nullptr, RpcError::invalid_request, "a message must be an object"};
  const auto* id = object->if_contains("id");
  const bool has_id = id != nullptr && (id->is_string() || id->is_number());
  const auto malformed = [&](RpcError code, std::string why) -> Message {
    return Malformed{has_id ? *id : json::value(nullptr), code, std::move(why)};
  };
  const auto* version = object->if_contains("jsonrpc");
  if (version == nullptr || *version != "2.0")
    return malformed(RpcError::invalid_request, R"("jsonrpc" must be "2.0")");
  const auto* method = object->if_contains("method");
  if (method == nullptr) {
    if (object->contains("result") || object->contains("error")) return Response{};
    return malformed(RpcError::invalid_request, "\"method\" is missing");
  }
  if (!method->is_string()) return malformed(RpcError::invalid_request, "\"method\" must be a string");
  if (id != nullptr && !has_id) return malformed(RpcError::invalid_request, "\"id\" must be a string or a number");
  json::object params;
  if (auto* given = object->if_contains("params")) {
    if (!given->is_object()) {
      // A notification gets no answer, not even an invalid one.
      if (!has_id) return Response{};
      return malformed(RpcError::invalid_params, "\"params\" must be an object");
    }
    params = std::move(given->get_object());
  }
  if (!has_id) return Notification{std::string(method->get_string()), std::move(params)};
  return Request{*id, std::string(method->get_string()), std::move(params)};
}

json::object result_message(json::value id, json::object result) {
  return {{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"result", std::move(result)}};
}

json::object error_message(json::value id, RpcError code, std::string_view why) {
  return {{"jsonrpc", "2.0"},
          {"id", std::move(id)},
          {"error", json::object{{"code", static_cast<int>(code)}, {"message", why}}}};
}

json::object notification_message(std::string_view method, json::object params) {
  return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

}  // namespace holdfast::mcp
