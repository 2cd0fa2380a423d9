// Reads and writes JSON-RPC 2.0 messages. Private to mcp.
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast::mcp {

// https://www.jsonrpc.org/specification#error_object
enum class RpcError : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
};

struct Request {
  boost::json::value id;  ///< a string or a number
  std::string method;
  boost::json::object params;
};

struct Notification {
  std::string method;
  boost::json::object params;
};

/// A response, which the server ignores: it sends no requests.
struct Response {};

/// An invalid message, and the error to answer with.
struct Malformed {
  boost::json::value id;  ///< null without a valid id
  RpcError code = RpcError::invalid_request;
  std::string why;
};

using Message = std::variant<Request, Notification, Response, Malformed>;

/// MCP is stricter than JSON-RPC: ids are never null, params are objects.
[[nodiscard]] Message read_message(boost::json::value value);

[[nodiscard]] boost::json::object result_message(boost::json::value id, boost::json::object result);
[[nodiscard]] boost::json::object error_message(boost::json::value id, RpcError code, std::string_view why);
[[nodiscard]] boost::json::object notification_message(std::string_view method, boost::json::object params);

}  // namespace holdfast::mcp
