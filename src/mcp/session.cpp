#include "mcp/session.hpp"

#include "core/text.hpp"
#include "mcp/message.hpp"
#include "mcp/schema.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace holdfast::mcp {
namespace {

namespace json = boost::json;

// Fields that a version introduced are sent only in that version and later.
constexpr std::string_view k_2025_03 = "2025-03-26";  // annotations, batches, progress messages
constexpr std::string_view k_2025_06 = "2025-06-18";  // titles, output schemas, structured content; no batches
constexpr std::array<std::string_view, 4> k_versions{"2024-11-05", k_2025_03, k_2025_06, "2025-11-25"};

constexpr std::size_t k_most_calls = 256;  // open at the same time

/// The answers to a batch, sent together. A single message is a batch that is not an array.
struct Batch {
  bool is_array = false;
  std::size_t open = 0;  ///< calls without an answer
  json::array answers;
};

struct Call {
  json::value id;
  const Tool* tool = nullptr;
  std::shared_ptr<Batch> batch;
  std::optional<json::value> progress_token;
  std::uint64_t progress = 0;
  bool cancelled = false;
};

Malformed refusal(const Request& request, RpcError code, std::string why) { return {request.id, code, std::move(why)}; }

}  // namespace

std::span<const std::string_view> protocol_versions() noexcept { return k_versions; }

struct Session::Impl {
  Introduction introduction;
  std::span<const Tool> tools;
  std::string_view version;  ///< of the protocol; empty before initialize
  std::map<CallId, Call> calls;
  CallId last_call = 0;

  using Answered = std::variant<json::object, Malformed>;

  [[nodiscard]] bool has(std::string_view since) const { return version >= since; }  // dates compare as text

  void on_message(const Message& message, const std::shared_ptr<Batch>& batch, Reaction& reaction);
  void on_request(const Request& request, const std::shared_ptr<Batch>& batch, Reaction& reaction);
  void on_notification(const Notification& notification, Reaction& reaction);
  Answered initialize(const Request& request);
  Answered list_tools(const Request& request) const;
  void call_tool(const Request& request, const std::shared_ptr<Batch>& batch, Reaction& reaction);
  [[nodiscard]] json::object tool_value(const Tool& tool) const;
  [[nodiscard]] json::object call_result(const Answer& answer) const;
  [[nodiscard]] bool is_in_use(const json::value& id) const;
};

namespace {

void answer(Batch& batch, json::object message) { batch.answers.push_back(std::move(message)); }

void answer(Batch& batch, const Malformed& malformed) {
  answer(batch, error_message(malformed.id, malformed.code, malformed.why));
}

/// Sends the answers once all calls of the batch have ended.
void send(const Batch& batch, Reaction& reaction) {
  if (batch.open > 0 || batch.answers.empty()) return;
  reaction.lines.push_back(batch.is_array ? json::serialize(batch.answers) : json::serialize(batch.answers.front()));
}

}  // namespace

Session::Session(Introduction introduction, std::span<const Tool> tools)
    : impl_(std::make_unique<Impl>(Impl{introduction, tools, {}, {}, 0})) {}
Session::~Session() = default;

Reaction Session::on_line(std::string_view line) {
  Reaction reaction;
  if (trim(line).empty()) return reaction;
  const auto batch = std::make_shared<Batch>();
  boost::system::error_code unreadable;
  auto value = json::parse(line, unreadable);  // at most 32 levels deep, valid UTF-8
  if (unreadable) {
    answer(*batch, Malformed{nullptr, RpcError::parse_error, "the line is not JSON: " + unreadable.message()});
  } else if (auto* array = value.if_array()) {
    if (impl_->version != k_2025_03) {
      answer(*batch,
             Malformed{nullptr, RpcError::invalid_request, fmt::format("batches need protocol version {}", k_2025_03)});
    } else if (array->empty()) {
      answer(*batch, Malformed{nullptr, RpcError::invalid_request, "the batch is empty"});
    } else {
      batch->is_array = true;
      for (auto& item : *array) impl_->on_message(read_message(std::move(item)), batch, reaction);
    }
  } else {
    impl_->on_message(read_message(std::move(value)), batch, reaction);
  }
  send(*batch, reaction);
  return reaction;
}

Reaction Session::on_overlong_line(std::size_t limit) {
  Reaction reaction;
  Batch batch;
  answer(batch, Malformed{nullptr, RpcError::invalid_request, fmt::format("a line may have at most {} bytes", limit)});
  send(batch, reaction);
  return reaction;
}

Reaction Session::on_progress(CallId id, std::string_view message) {
  Reaction reaction;
  const auto found = impl_->calls.find(id);
  if (found == impl_->calls.end()) return reaction;
  auto& call = found->second;
  if (!call.progress_token || call.cancelled) return reaction;
  json::object params{{"progressToken", *call.progress_token}, {"progress", ++call.progress}};
  if (impl_->has(k_2025_03)) params["message"] = printable(message);
  reaction.lines.push_back(json::serialize(notification_message("notifications/progress", std::move(params))));
  return reaction;
}

Reaction Session::on_done(CallId id, const Result<os::Completed>& completed) {
  Reaction reaction;
  auto node = impl_->calls.extract(id);
  if (node.empty()) return reaction;
  const auto& call = node.mapped();
  --call.batch->open;
  if (!call.cancelled) answer(*call.batch, result_message(call.id, impl_->call_result(call.tool->answer(completed))));
  send(*call.batch, reaction);
  return reaction;
}

void Session::Impl::on_message(const Message& message, const std::shared_ptr<Batch>& batch, Reaction& reaction) {
  if (const auto* malformed = std::get_if<Malformed>(&message)) answer(*batch, *malformed);
  if (const auto* request = std::get_if<Request>(&message)) on_request(*request, batch, reaction);
  if (const auto* notification = std::get_if<Notification>(&message)) on_notification(*notification, reaction);
}

bool Session::Impl::is_in_use(const json::value& id) const {
  return std::ranges::any_of(calls, [&](const auto& entry) { return entry.second.id == id; });
}

void Session::Impl::on_request(const Request& request, const std::shared_ptr<Batch>& batch, Reaction& reaction) {
  const auto reply = [&](Answered answered) {
    if (auto* result = std::get_if<json::object>(&answered))
      answer(*batch, result_message(request.id, std::move(*result)));
    else
      answer(*batch, std::get<Malformed>(answered));
  };
  // With that id, the client would take the error for the answer to the first request.
  if (is_in_use(request.id))
    return reply(Malformed{nullptr, RpcError::invalid_request,
                           fmt::format("id {} belongs to an open request", json::serialize(request.id))});
  const auto& method = request.method;
  if (method == "ping") return reply(json::object{});
  if (method == "initialize") {
    if (batch->is_array) return reply(refusal(request, RpcError::invalid_request, "initialize must not be in a batch"));
    return reply(initialize(request));
  }
  if (method != "tools/list" && method != "tools/call")
    return reply(refusal(request, RpcError::method_not_found, "unknown method " + printable(method)));
  if (version.empty()) return reply(refusal(request, RpcError::invalid_request, "call initialize first"));
  if (method == "tools/list") return reply(list_tools(request));
  call_tool(request, batch, reaction);
}

void Session::Impl::on_notification(const Notification& notification, Reaction& reaction) {
  if (notification.method != "notifications/cancelled") return;  // ignore unknown notifications
  const auto* id = notification.params.if_contains("requestId");
  if (id == nullptr) return;
  for (auto& [number, call] : calls) {
    if (call.cancelled || call.id != *id) continue;
    call.cancelled = true;
    call.id = nullptr;  // the client may reuse the id
    reaction.cancels.push_back(number);
  }
}

Session::Impl::Answered Session::Impl::initialize(const Request& request) {
  if (!version.empty()) return refusal(request, RpcError::invalid_request, "the session is already initialized");
  const auto* requested = request.params.if_contains("protocolVersion");
  if (requested == nullptr || !requested->is_string())
    return refusal(request, RpcError::invalid_params, "\"protocolVersion\" must be a string");
  // An unsupported version is answered with the newest one; the client then decides.
  const auto supported = std::ranges::find(k_versions, std::string_view(requested->get_string()));
  version = supported == k_versions.end() ? k_versions.back() : *supported;
  json::object about{{"name", introduction.name}, {"version", introduction.version}};
  if (has(k_2025_06)) about["title"] = introduction.title;
  return json::object{{"protocolVersion", version},
                      {"capabilities", json::object{{"tools", json::object{{"listChanged", false}}}}},
                      {"serverInfo", std::move(about)},
                      {"instructions", introduction.instructions}};
}

json::object Session::Impl::tool_value(const Tool& tool) const {
  json::object value{{"name", tool.name}, {"description", tool.description}, {"inputSchema", input_schema(tool)}};
  if (has(k_2025_03))
    value["annotations"] = json::object{{"title", tool.title},
                                        {"readOnlyHint", tool.hints.read_only},
                                        {"destructiveHint", tool.hints.destructive},
                                        {"idempotentHint", tool.hints.idempotent},
                                        {"openWorldHint", tool.hints.open_world}};
  if (!has(k_2025_06)) return value;
  value["title"] = tool.title;
  value["outputSchema"] = json::parse(tool.output_schema);
  return value;
}

Session::Impl::Answered Session::Impl::list_tools(const Request& request) const {
  if (request.params.contains("cursor"))
    return refusal(request, RpcError::invalid_params, "invalid cursor: the first page has all tools");
  json::array list;
  for (const auto& tool : tools) list.push_back(tool_value(tool));
  return json::object{{"tools", std::move(list)}};
}

json::object Session::Impl::call_result(const Answer& answer) const {
  json::object result{{"content", json::array{json::object{{"type", "text"}, {"text", answer.structured}}}},
                      {"isError", answer.is_error}};
  if (has(k_2025_06)) result["structuredContent"] = json::parse(answer.structured);
  return result;
}

void Session::Impl::call_tool(const Request& request, const std::shared_ptr<Batch>& batch, Reaction& reaction) {
  const auto& params = request.params;
  const auto refuse = [&](std::string why) {
    answer(*batch, refusal(request, RpcError::invalid_params, std::move(why)));
  };
  const auto* name = params.if_contains("name");
  if (name == nullptr || !name->is_string()) return refuse("\"name\" must be a string");
  const auto tool = std::ranges::find(tools, std::string_view(name->get_string()), &Tool::name);
  if (tool == tools.end()) return refuse("unknown tool " + printable(std::string_view(name->get_string())));
  const auto* given = params.if_contains("arguments");
  if (given != nullptr && !given->is_object()) return refuse("\"arguments\" must be an object");
  if (calls.size() >= k_most_calls) return refuse("too many open calls");

  // Invalid arguments are an error of the tool, not of the protocol: the model sees it and can correct them.
  auto command = command_line(*tool, given == nullptr ? json::object() : given->get_object());
  if (!command)
    return answer(*batch, result_message(request.id, call_result(tool->answer(std::move(command).error()))));
  Call call{request.id, &*tool, batch, {}};
  if (const auto* meta = params.if_contains("_meta"); meta != nullptr && meta->is_object())
    if (const auto* token = meta->get_object().if_contains("progressToken");
        token != nullptr && (token->is_string() || token->is_number()))
      call.progress_token = *token;
  ++batch->open;
  calls.emplace(++last_call, std::move(call));
  reaction.starts.push_back({last_call, &*tool, std::move(*command)});
}

}  // namespace holdfast::mcp
