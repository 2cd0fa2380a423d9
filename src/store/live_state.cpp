#include "store/live_state.hpp"

#include "core/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <limits>
#include <utility>

namespace holdfast::store {
namespace {

namespace json = boost::json;

constexpr std::size_t k_largest = 256 * 1024;  // 256 forwards with socket paths of 107 bytes fit
constexpr std::size_t k_deepest = 8;
constexpr std::size_t k_longest_text = 4096;

using enum TunnelState;
constexpr std::array<std::pair<TunnelState, std::string_view>, 6> k_states{{
    {up, "up"},
    {connecting, "connecting"},
    {waiting, "waiting"},
    {standby, "standby"},
    {failed, "failed"},
    {stopped, "stopped"},
}};

constexpr std::array<std::pair<ForwardState, std::string_view>, 5> k_forward_states{{
    {ForwardState::up, "up"},
    {ForwardState::down, "down"},
    {ForwardState::denied, "denied"},
    {ForwardState::busy, "busy"},
    {ForwardState::pending, "pending"},
}};

// JSON text is UTF-8; a message may quote any byte of a stranger's.
json::string text_value(std::string_view text) { return json::string(printable(text.substr(0, k_longest_text))); }

json::value time_value(WallTime time) { return time.time_since_epoch().count(); }

json::object process_value(const os::ProcessId& process) {
  return {{"pid", process.pid},
          {"start_time", process.start_time},
          {"boot_id", text_value(process.boot_id)},
          {"host", text_value(process.host)}};
}

json::object end_value(const TcpEnd& end) { return {{"host", text_value(end.host)}, {"port", end.port}}; }

template <class T, class Format>
json::value optional_value(const std::optional<T>& value, Format format) {
  return value ? json::value(format(*value)) : json::value(nullptr);
}

/// Reads members of one JSON object; the first that is missing or of the wrong kind is remembered by name.
class Members {
 public:
  Members(const json::value& value, std::string& bad) : object_(value.if_object()), bad_(bad) {
    if (object_ == nullptr) fail("an object");
  }

  [[nodiscard]] const json::value* get(const char* name) const {
    const json::value* value = object_ == nullptr ? nullptr : object_->if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  [[nodiscard]] std::string text(const char* name) {
    const json::value* value = get(name);
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr || text->size() > 4 * k_longest_text) return fail(name), std::string();
    return std::string(text->data(), text->size());
  }

  [[nodiscard]] std::uint64_t number(const char* name, std::uint64_t highest) {
    const json::value* value = get(name);
    if (value != nullptr && value->is_uint64() && value->get_uint64() <= highest) return value->get_uint64();
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0 &&
        static_cast<std::uint64_t>(value->get_int64()) <= highest)
      return static_cast<std::uint64_t>(value->get_int64());
    return fail(name), 0;
  }

  [[nodiscard]] bool flag(const char* name) {
    const json::value* value = get(name);
    if (value == nullptr || !value->is_bool()) return fail(name), false;
    return value->get_bool();
  }

  [[nodiscard]] double real(const char* name) {
    const json::value* value = get(name);
    if (value != nullptr && value->is_double()) return value->get_double();
    if (value != nullptr && value->is_int64()) return static_cast<double>(value->get_int64());
    return fail(name), 0.0;
  }

  [[nodiscard]] WallTime time(const char* name) {
    constexpr std::uint64_t k_year_9999 = 253402300799999ULL;  // milliseconds; beyond it RFC 3339 has no form
    return WallTime(std::chrono::milliseconds(number(name, k_year_9999)));
  }

  std::string fail(const char* name) {
    if (bad_.empty()) bad_ = name;
    return {};
  }

 private:
  const json::object* object_;
  std::string& bad_;
};

os::ProcessId read_process(const json::value& value, std::string& bad) {
  Members members(value, bad);
  os::ProcessId process;
  process.pid = static_cast<pid_t>(members.number("pid", std::numeric_limits<pid_t>::max()));
  process.start_time = members.number("start_time", std::numeric_limits<std::uint64_t>::max());
  process.boot_id = members.text("boot_id");
  process.host = members.text("host");
  if (process.pid < 1) members.fail("pid");
  return process;
}

TcpEnd read_end(const json::value* value, std::string& bad) {
  if (value == nullptr) {
    if (bad.empty()) bad = "connection";
    return {};
  }
  Members members(*value, bad);
  return TcpEnd{members.text("host"), static_cast<std::uint16_t>(members.number("port", 65535))};
}

LastError read_last_error(const json::value& value, std::string& bad) {
  Members members(value, bad);
  LastError error;
  const auto failure = failure_class_from(members.text("class"));
  if (!failure) members.fail("class");
  error.diagnosis.failure = failure.value_or(FailureClass::unknown);
  error.diagnosis.message = members.text("message");
  error.diagnosis.hint = members.text("hint");
  error.at = members.time("at");
  return error;
}

std::vector<LiveForward> read_forwards(const json::value* value, std::string& bad) {
  const json::array* array = value == nullptr ? nullptr : value->if_array();
  std::vector<LiveForward> forwards;
  if (array == nullptr || array->size() > 256) {
    if (bad.empty()) bad = "forwards";
    return forwards;
  }
  for (const json::value& item : *array) {
    Members members(item, bad);
    LiveForward forward{members.text("listen"), members.text("target"), ForwardState::pending};
    const std::string state = members.text("state");
    bool known = false;
    for (const auto& [candidate, name] : k_forward_states)
      if (name == state) {
        forward.state = candidate;
        known = true;
      }
    if (!known) members.fail("state");
    forwards.push_back(std::move(forward));
  }
  return forwards;
}

Error not_live_state(std::string cause) { return Error{"reading", "live state", std::move(cause), {}}; }

}  // namespace

std::string_view to_text(TunnelState state) noexcept {
  for (const auto& [value, name] : k_states)
    if (value == state) return name;
  return "stopped";
}

std::optional<TunnelState> tunnel_state_from(std::string_view text) noexcept {
  for (const auto& [value, name] : k_states)
    if (name == text) return value;
  return std::nullopt;
}

std::string_view to_text(ForwardState state) noexcept {
  for (const auto& [value, name] : k_forward_states)
    if (value == state) return name;
  return "pending";
}

std::string format_live_state(const LiveState& state) {
  json::array forwards;
  for (const LiveForward& forward : state.forwards)
    forwards.push_back(json::object{{"listen", text_value(forward.listen)},
                                    {"target", text_value(forward.target)},
                                    {"state", json::string(to_text(forward.state))}});
  const auto last_error = [](const LastError& error) {
    return json::object{{"class", json::string(to_text(error.diagnosis.failure))},
                        {"message", text_value(error.diagnosis.message)},
                        {"hint", text_value(error.diagnosis.hint)},
                        {"at", time_value(error.at)}};
  };
  const auto connection = [](const os::TcpPair& pair) {
    return json::object{{"local", end_value(pair.local)}, {"peer", end_value(pair.peer)}};
  };
  const json::object out{{"supervisor", process_value(state.supervisor)},
                         {"state", json::string(to_text(state.state))},
                         {"verified", state.verified},
                         {"since", time_value(state.since)},
                         {"bastion", text_value(state.bastion)},
                         {"engine", text_value(state.engine)},
                         {"forwards", std::move(forwards)},
                         {"ssh", optional_value(state.ssh, process_value)},
                         {"autossh", optional_value(state.autossh, process_value)},
                         {"rtt_ms", optional_value(state.rtt_ms, [](double value) { return value; })},
                         {"reconnects", state.reconnects},
                         {"next_attempt", optional_value(state.next_attempt, time_value)},
                         {"last_error", optional_value(state.last_error, last_error)},
                         {"connection", optional_value(state.connection, connection)},
                         {"generation", state.generation}};
  return json::serialize(out) + "\n";
}

Result<LiveState> parse_live_state(std::string_view text) {
  if (text.size() > k_largest) return not_live_state(fmt::format("it has {} bytes, far too many", text.size()));
  json::parse_options options;
  options.max_depth = k_deepest;
  boost::system::error_code failed_at;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), failed_at, {}, options);
  if (failed_at) return not_live_state("it is not whole JSON");

  constexpr std::uint64_t k_any = std::numeric_limits<std::uint64_t>::max();
  std::string bad;
  Members members(value, bad);
  LiveState state;
  if (const json::value* process = members.get("supervisor"))
    state.supervisor = read_process(*process, bad);
  else
    members.fail("supervisor");
  const auto tunnel_state = tunnel_state_from(members.text("state"));
  if (!tunnel_state) members.fail("state");
  state.state = tunnel_state.value_or(stopped);
  state.verified = members.flag("verified");
  state.since = members.time("since");
  state.bastion = members.text("bastion");
  state.engine = members.text("engine");
  state.forwards = read_forwards(members.get("forwards"), bad);
  if (const json::value* process = members.get("ssh")) state.ssh = read_process(*process, bad);
  if (const json::value* process = members.get("autossh")) state.autossh = read_process(*process, bad);
  if (members.get("rtt_ms") != nullptr) state.rtt_ms = members.real("rtt_ms");
  state.reconnects = members.number("reconnects", k_any);
  if (members.get("next_attempt") != nullptr) state.next_attempt = members.time("next_attempt");
  if (const json::value* error = members.get("last_error")) state.last_error = read_last_error(*error, bad);
  if (const json::value* pair = members.get("connection")) {
    Members ends(*pair, bad);
    os::TcpPair tcp;
    tcp.local = read_end(ends.get("local"), bad);
    tcp.peer = read_end(ends.get("peer"), bad);
    state.connection = std::move(tcp);
  }
  state.generation = members.number("generation", k_any);
  if (!bad.empty()) return not_live_state("its member " + bad + " is missing or of the wrong kind");
  return state;
}

Result<std::optional<LiveState>> read_live_state(const os::Host& host, const boost::filesystem::path& file,
                                                 uid_t owner) {
  const os::FileStatus status = host.status(file);
  if (status.kind == os::FileKind::missing) return std::optional<LiveState>();
  const auto refuse = [&](std::string cause) {
    return Error{"reading", file.native(), std::move(cause), "remove it; the supervisor writes it anew"};
  };
  if (status.kind != os::FileKind::regular) return refuse("it is not a regular file");
  if (status.owner != owner)
    return refuse(fmt::format("it belongs to the user with number {}, who does not run the tunnel", status.owner));
  if ((status.mode & 0022) != 0) return refuse("other users may write to it");
  if (status.size > k_largest) return refuse(fmt::format("it has {} bytes, far too many", status.size));
  HOLDFAST_TRY(const std::string text, host.read_file(file, k_largest));
  auto state = parse_live_state(text);
  if (!state) return refuse(state.error().cause);
  return std::optional<LiveState>(std::move(*state));
}

}  // namespace holdfast::store
