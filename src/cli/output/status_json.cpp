#include "cli/output/status_output.hpp"
#include "core/json.hpp"

#include <boost/json.hpp>

#include <fmt/format.h>

#include <cmath>

namespace holdfast::cli {

namespace json = boost::json;
namespace {

json::value time_or_null(const std::optional<WallTime>& value) {
  return value ? json::value(json::string(to_rfc3339(*value))) : json::value(nullptr);
}

json::array forwards_value(const std::vector<tunnels::TunnelStatus::Forward>& forwards) {
  json::array array;
  for (const auto& forward : forwards)
    array.push_back(json::object{
        {"listen", json_text(forward.listen)},
        {"target", json_text(forward.target)},
        {"state", forward.state ? json::value(json::string(store::to_text(*forward.state))) : json::value(nullptr)},
        {"bound", json_text(store::to_text(forward.bound))}});
  return array;
}

json::value bastions_value(const std::vector<std::string>& bastions) {
  if (bastions.empty()) return nullptr;
  json::array array;
  for (const auto& bastion : bastions) array.push_back(json_text(bastion));
  return array;
}

json::object backend_value(const tunnels::TunnelStatus::Backend& backend) {
  const auto survival = [&](Survival Survives::*what) {
    return backend.survives ? json::value(json::string(((*backend.survives).*what).text())) : json::value(nullptr);
  };
  return {{"name", text_or_null(backend.name)},
          {"installed", or_null(backend.installed)},
          {"running", or_null(backend.running)},
          {"survives", json::object{{"crash", survival(&Survives::crash)},
                                    {"logout", survival(&Survives::logout)},
                                    {"reboot", survival(&Survives::reboot)}}}};
}

json::object installation_value(const tunnels::TunnelStatus& tunnel) {
  json::array problems;
  for (const auto* list : {&tunnel.installation.problems, &tunnel.remarks})
    for (const auto& problem : *list) problems.push_back(json_text(problem));
  const auto ok = tunnel.remarks.empty() ? tunnel.installation.ok : std::optional(false);
  return {{"ok", or_null(ok)}, {"problems", std::move(problems)}};
}

json::object supervisor_value(const tunnels::TunnelStatus::Supervisor& supervisor) {
  return {{"pid", or_null(supervisor.pid)},
          {"version", text_or_null(supervisor.version)},
          {"program", text_or_null(supervisor.program)}};
}

json::value failure_value(const std::optional<tunnels::TunnelStatus::Failure>& failure) {
  if (!failure) return nullptr;
  const auto& diagnosis = failure->diagnosis;
  return json::object{{"class", json::string(to_text(diagnosis.failure))},
                      {"message", json_text(diagnosis.message)},
                      {"hint", text_or_null(diagnosis.hint)},
                      {"at", time_or_null(failure->at)}};
}

json::value credential_value(const std::optional<tunnels::TunnelStatus::Credential>& credential) {
  if (!credential) return nullptr;
  return json::object{{"kind", json::string(credential->kind)}, {"expires", time_or_null(credential->expires)}};
}

json::value share_value(const store::Share& share) {
  if (share.known() <= std::chrono::milliseconds{0}) return nullptr;
  const auto seconds = [](std::chrono::milliseconds span) { return std::chrono::duration<double>(span).count(); };
  return json::object{{"up_seconds", seconds(share.up)},
                      {"degraded_seconds", seconds(share.degraded)},
                      {"down_seconds", seconds(share.down)},
                      {"rtt_ms", or_null(share.rtt_ms)}};
}

json::object availability_value(const store::Availability& all) {
  json::object reconnects;
  for (const auto& [failure, count] : all.reconnects) reconnects[to_text(failure)] = count;
  json::array slots;
  for (const auto& share : all.slots) slots.push_back(share_value(share));
  auto percent = all.whole.availability();
  if (percent) percent = std::floor(*percent * 1000) / 1000;  // rounded down: less than full uptime is never 100
  json::value rtt = nullptr;
  if (all.rtt) rtt = json::object{{"min", all.rtt->low_ms}, {"mean", all.rtt->mean_ms}, {"max", all.rtt->high_ms}};
  return {{"from", json::string(to_rfc3339(all.from))},
          {"slot_seconds", all.slot.count()},
          {"availability_percent", or_null(percent)},
          {"total", share_value(all.whole)},
          {"rtt_ms", std::move(rtt)},
          {"reconnects", std::move(reconnects)},
          {"slots", std::move(slots)}};
}

json::value history_value(const std::optional<tunnels::UptimeSummary>& uptime_summary) {
  if (!uptime_summary) return nullptr;
  return json::object{{"day", availability_value(uptime_summary->day)},
                      {"week", availability_value(uptime_summary->week)}};
}

json::object tunnel_value(const tunnels::TunnelStatus& tunnel) {
  return {{"name", json_text(tunnel.name)},
          {"state", tunnel.state ? json::value(json::string(store::to_text(*tunnel.state))) : json::value(nullptr)},
          {"verified", or_null(tunnel.verified)},
          {"since", time_or_null(tunnel.since)},
          {"host", text_or_null(tunnel.host)},
          {"bastion", text_or_null(tunnel.bastion)},
          {"bastions", bastions_value(tunnel.bastions)},
          {"engine", text_or_null(tunnel.engine)},
          {"forwards", forwards_value(tunnel.forwards)},
          {"backend", backend_value(tunnel.backend)},
          {"installation", installation_value(tunnel)},
          {"supervisor", supervisor_value(tunnel.supervisor)},
          {"supervisor_pid", or_null(tunnel.supervisor.pid)},
          {"ssh_pid", or_null(tunnel.ssh_pid)},
          {"rtt_ms", or_null(tunnel.rtt_ms)},
          {"reconnects", or_null(tunnel.reconnects)},
          {"next_attempt", time_or_null(tunnel.next_attempt)},
          {"last_error", failure_value(tunnel.last_error)},
          {"credential", credential_value(tunnel.credential)}};
}

/// Writes 12.5 as 12.500; Boost.JSON would write 1.25E1.
std::string serialized(const json::value& value) {
  std::string out;
  const auto separate = [&] { out += out.size() > 1 ? "," : ""; };
  if (const auto* object = value.if_object()) {
    out = "{";
    for (const auto& [key, member] : *object) {
      separate();
      out += json::serialize(key) + ":" + serialized(member);
    }
    return out + "}";
  }
  if (const auto* array = value.if_array()) {
    out = "[";
    for (const auto& item : *array) {
      separate();
      out += serialized(item);
    }
    return out + "]";
  }
  if (const auto* number = value.if_double()) return fmt::format("{:.3f}", *number);
  return json::serialize(value);
}

}  // namespace

std::string status_json(const std::vector<tunnels::TunnelStatus>& tunnels) {
  json::array array;
  for (const auto& tunnel : tunnels) {
    auto object = tunnel_value(tunnel);
    object["history"] = history_value(tunnel.uptime_summary);
    array.push_back(std::move(object));
  }
  return serialized(json::object{{"tunnels", std::move(array)}});
}

std::string setup_json(const tunnels::TunnelStatus& tunnel, bool changed) {
  auto object = tunnel_value(tunnel);
  object["changed"] = changed;
  return serialized(object);
}

}  // namespace holdfast::cli
