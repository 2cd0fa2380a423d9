#include "store/live_state.hpp"

#include "core/json.hpp"
#include "core/text.hpp"
#include "os/boot_clock.hpp"
#include "store/private_file.hpp"
#include "store/tunnel_file.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace holdfast::store {
namespace {

namespace json = boost::json;

constexpr std::size_t k_most_forwards = 256;
constexpr std::size_t k_largest = 256 * 1024;  // k_most_forwards with socket paths of 107 bytes fit
constexpr std::size_t k_deepest = 8;
constexpr std::size_t k_longest_text = 4096;

using enum TunnelState;
constexpr std::array<std::pair<TunnelState, std::string_view>, 7> k_states{{
    {up, "up"},
    {degraded, "degraded"},
    {connecting, "connecting"},
    {waiting, "waiting"},
    {standby, "standby"},
    {failed, "failed"},
    {stopped, "stopped"},
}};

using NamedForwardState = std::pair<ForwardState, std::string_view>;
constexpr std::array<NamedForwardState, 5> k_forward_states{{
    {ForwardState::up, "up"},
    {ForwardState::down, "down"},
    {ForwardState::denied, "denied"},
    {ForwardState::busy, "busy"},
    {ForwardState::pending, "pending"},
}};

using NamedBound = std::pair<Bound, std::string_view>;
constexpr std::array<NamedBound, 3> k_bounds{{
    {Bound::unknown, "unknown"},
    {Bound::loopback, "loopback"},
    {Bound::all, "all"},
}};

// Escaping makes a text up to four times as long.
constexpr std::size_t k_longest_read = 4 * k_longest_text;

json::string bounded_text(std::string_view text) { return json_text(text.substr(0, k_longest_text)); }

json::value time_value(WallTime time) { return time.time_since_epoch().count(); }

json::object process_value(const os::ProcessId& process) {
  return {{"pid", process.pid},
          {"start_time", process.start_time},
          {"boot_id", bounded_text(process.boot_id)},
          {"host", bounded_text(process.host)}};
}

json::object end_value(const TcpEnd& end) { return {{"host", bounded_text(end.host)}, {"port", end.port}}; }

json::object last_error_value(const LastError& error) {
  return {{"class", json_text(to_text(error.diagnosis.failure))},
          {"message", bounded_text(error.diagnosis.message)},
          {"hint", bounded_text(error.diagnosis.hint)},
          {"at", time_value(error.at)}};
}

json::object connection_value(const os::TcpPair& pair) {
  return {{"local", end_value(pair.local)}, {"peer", end_value(pair.peer)}};
}

json::array forwards_value(const std::vector<LiveForward>& forwards) {
  json::array array;
  for (const LiveForward& forward : forwards)
    array.push_back(json::object{{"listen", bounded_text(forward.listen)},
                                 {"target", bounded_text(forward.target)},
                                 {"state", json_text(to_text(forward.state))},
                                 {"bound", json_text(to_text(forward.bound))}});
  return array;
}

template <class T, class Format>
json::value optional_value(const std::optional<T>& value, Format format) {
  return value ? json::value(format(*value)) : json::value(nullptr);
}

/// Reads the members of one object. `bad` keeps the name of the first member that is missing or of the wrong type.
class Members {
 public:
  Members(const json::object* object, std::string& bad) : object_(object == nullptr ? k_empty : *object), bad_(bad) {}

  [[nodiscard]] std::string text(const char* name) {
    auto value = require(name, text_member(object_, name));
    if (value.size() > k_longest_read) reject(name);
    return value;
  }
  [[nodiscard]] std::uint64_t number(const char* name, std::uint64_t highest = k_any) {
    return require(name, number_member(object_, name, highest));
  }
  [[nodiscard]] bool flag(const char* name) { return require(name, flag_member(object_, name)); }
  [[nodiscard]] double real(const char* name) { return require(name, real_member(object_, name)); }
  [[nodiscard]] WallTime time(const char* name) {
    constexpr std::uint64_t k_year_9999 = 253402300799999ULL;  // in ms; RFC 3339 has four digits for a year
    return WallTime(std::chrono::milliseconds(number(name, k_year_9999)));
  }
  /// The value that a text member names.
  template <class T>
  [[nodiscard]] T named(const char* name, std::optional<T> (*parse)(std::string_view)) {
    return require(name, parse(text(name)));
  }
  [[nodiscard]] Members object(const char* name) {
    const json::object* found = object_member(object_, name);
    if (found == nullptr) reject(name);
    return {found, bad_};
  }
  [[nodiscard]] const json::array& array(const char* name, std::size_t most) {
    static const json::array k_none;
    const json::array* found = array_member(object_, name);
    if (found != nullptr && found->size() <= most) return *found;
    reject(name);
    return k_none;
  }
  /// True when the member is there and not null.
  [[nodiscard]] bool has(const char* name) const {
    const json::value* value = object_.if_contains(name);
    return value != nullptr && !value->is_null();
  }

  void reject(const char* name) {
    if (bad_.empty()) bad_ = name;
  }

 private:
  static constexpr std::uint64_t k_any = std::numeric_limits<std::uint64_t>::max();
  static inline const json::object k_empty;

  template <class T>
  T require(const char* name, std::optional<T> value) {
    if (!value) reject(name);
    return std::move(value).value_or(T{});
  }

  const json::object& object_;
  std::string& bad_;
};

os::ProcessId read_process(Members members) {
  os::ProcessId process;
  process.pid = static_cast<pid_t>(members.number("pid", std::numeric_limits<pid_t>::max()));
  process.start_time = members.number("start_time");
  process.boot_id = members.text("boot_id");
  process.host = members.text("host");
  if (process.pid < 1) members.reject("pid");
  return process;
}

TcpEnd read_end(Members members) {
  constexpr std::uint64_t k_highest_port = 65535;
  return TcpEnd{members.text("host"), static_cast<std::uint16_t>(members.number("port", k_highest_port))};
}

LastError read_last_error(Members members) {
  LastError error;
  error.diagnosis.failure = members.named("class", &failure_class_from);
  error.diagnosis.message = members.text("message");
  error.diagnosis.hint = members.text("hint");
  error.at = members.time("at");
  return error;
}

os::TcpPair read_connection(Members members) {
  os::TcpPair pair;
  pair.local = read_end(members.object("local"));
  pair.peer = read_end(members.object("peer"));
  return pair;
}

std::optional<ForwardState> forward_state_from(std::string_view text) {
  const auto* found = std::ranges::find(k_forward_states, text, &NamedForwardState::second);
  return found == k_forward_states.end() ? std::nullopt : std::optional(found->first);
}

std::optional<Bound> bound_from(std::string_view text) {
  const auto* found = std::ranges::find(k_bounds, text, &NamedBound::second);
  return found == k_bounds.end() ? std::nullopt : std::optional(found->first);
}

std::vector<LiveForward> read_forwards(const json::array& array, std::string& bad) {
  std::vector<LiveForward> forwards;
  for (const json::value& item : array) {
    Members members(item.if_object(), bad);
    forwards.push_back({members.text("listen"), members.text("target"), members.named("state", &forward_state_from)});
    // An earlier version did not write it.
    if (members.has("bound")) forwards.back().bound = members.named("bound", &bound_from);
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

std::string_view to_text(Bound bound) noexcept {
  for (const auto& [value, name] : k_bounds)
    if (value == bound) return name;
  return "unknown";
}

bool holds_forwards(const LiveState& state) noexcept {
  const bool is_target_down =
      state.last_error && state.last_error->diagnosis.failure == FailureClass::target_down && state.ssh;
  return carries(state.state) || (state.state == waiting && is_target_down);
}

std::string settings_mark(const Tunnel& tunnel) {
  auto spec = tunnel.spec();
  // A file need not name them: `run` takes the default directory, and any backend starts it.
  spec.runtime_dir.reset();
  spec.backend = "auto";
  const auto settings = Tunnel::make(std::move(spec));
  return settings ? fmt::format("{:016x}", fnv1a(format_tunnel(*settings))) : std::string();
}

std::string format_live_state(const LiveState& state) {
  const json::object out{{"supervisor", process_value(state.supervisor)},
                         {"state", json_text(to_text(state.state))},
                         {"verified", state.verified},
                         {"since", time_value(state.since)},
                         {"bastion", bounded_text(state.bastion)},
                         {"engine", bounded_text(state.engine)},
                         {"forwards", forwards_value(state.forwards)},
                         {"ssh", optional_value(state.ssh, process_value)},
                         {"autossh", optional_value(state.autossh, process_value)},
                         {"rtt_ms", or_null(state.rtt_ms)},
                         {"reconnects", state.reconnects},
                         {"next_attempt", optional_value(state.next_attempt, time_value)},
                         {"last_error", optional_value(state.last_error, last_error_value)},
                         {"connection", optional_value(state.connection, connection_value)},
                         {"version", text_or_null(state.version)},
                         {"program", text_or_null(state.program)},
                         {"settings", text_or_null(state.settings)},
                         {"generation", state.generation},
                         {"booted_at", optional_value(state.booted_at, time_value)}};
  return json::serialize(out) + "\n";
}

Result<LiveState> parse_live_state(std::string_view text) {
  if (text.size() > k_largest) return not_live_state(fmt::format("it has more than {} bytes", k_largest));
  const auto object = parse_json_object(text, {.max_depth = k_deepest});
  if (!object) return not_live_state("it is not a complete JSON object");

  std::string bad;
  Members members(&*object, bad);
  LiveState state;
  state.supervisor = read_process(members.object("supervisor"));
  state.state = members.named("state", &tunnel_state_from);
  state.verified = members.flag("verified");
  state.since = members.time("since");
  state.bastion = members.text("bastion");
  state.engine = members.text("engine");
  state.forwards = read_forwards(members.array("forwards", k_most_forwards), bad);
  if (members.has("ssh")) state.ssh = read_process(members.object("ssh"));
  if (members.has("autossh")) state.autossh = read_process(members.object("autossh"));
  if (members.has("rtt_ms")) state.rtt_ms = members.real("rtt_ms");
  state.reconnects = members.number("reconnects");
  if (members.has("next_attempt")) state.next_attempt = members.time("next_attempt");
  if (members.has("last_error")) state.last_error = read_last_error(members.object("last_error"));
  if (members.has("connection")) state.connection = read_connection(members.object("connection"));
  if (members.has("version")) state.version = members.text("version");
  if (members.has("program")) state.program = members.text("program");
  if (members.has("settings")) state.settings = members.text("settings");
  state.generation = members.number("generation");
  if (members.has("booted_at")) state.booted_at = members.time("booted_at");
  if (!bad.empty()) return not_live_state("its member " + bad + " is missing or has the wrong type");
  return state;
}

void follow_clock(LiveState& state, WallTime booted_at) {
  constexpr std::chrono::seconds k_slewed(2);
  const WallTime before = state.booted_at.value_or(booted_at);
  const auto step = booted_at - before;
  if (state.booted_at && std::chrono::abs(step) < k_slewed) return;
  state.booted_at = booted_at;
  state.since += step;
  if (state.next_attempt) *state.next_attempt += step;
  if (state.last_error) state.last_error->at += step;
}

Result<std::optional<LiveState>> read_live_state(const os::Host& host, const boost::filesystem::path& file,
                                                 uid_t owner) {
  const os::FileStatus status = host.status(file);
  if (status.kind == os::FileKind::missing) return std::optional<LiveState>();
  const auto refuse = [&](std::string cause) {
    return Error{"reading", file.native(), std::move(cause), "remove it: the supervisor writes it again"};
  };
  if (status.kind != os::FileKind::regular) return refuse("it is not a regular file");
  if (status.owner != owner) return refuse(fmt::format("uid {} owns it, but does not run the tunnel", status.owner));
  if ((status.mode & k_others_write) != 0) return refuse("other users can write to it");
  if (status.size > k_largest)
    return refuse(fmt::format("it has {} bytes, more than the {} allowed", status.size, k_largest));
  HOLDFAST_TRY(const std::string text, host.read_file(file, k_largest));
  auto state = parse_live_state(text);
  if (!state) return refuse(state.error().cause);
  if (state->supervisor.boot_id == host.boot_id()) follow_clock(*state, host.wall_now() - os::since_boot());
  return std::optional<LiveState>(std::move(*state));
}

}  // namespace holdfast::store
