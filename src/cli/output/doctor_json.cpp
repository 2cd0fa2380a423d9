#include "cli/output/doctor_output.hpp"
#include "core/json.hpp"

#include <boost/json.hpp>

#include <fmt/format.h>

namespace holdfast::cli {

namespace json = boost::json;
namespace {

using Grade = backends::Fitness::Grade;

json::value text(std::string_view bytes) { return json_text(bytes); }

std::string_view grade_text(Grade grade) {
  switch (grade) {
    case Grade::good:
      return "good";
    case Grade::degraded:
      return "degraded";
    case Grade::unavailable:
      break;
  }
  return "unavailable";
}

json::object backend_value(const backends::AssessedBackend& assessed) {
  const auto& [backend, fitness] = assessed;
  const bool usable = fitness.grade != Grade::unavailable;
  const auto survival = [&](const Survival& what) { return usable ? text(what.text()) : json::value(nullptr); };
  return {{"name", text(backend->name())},
          {"scope", text(to_text(backend->scope()))},
          {"usable", usable},
          {"grade", text(grade_text(fitness.grade))},
          {"survives", json::object{{"crash", survival(fitness.survives.crash)},
                                    {"logout", survival(fitness.survives.logout)},
                                    {"reboot", survival(fitness.survives.reboot)}}},
          {"reason", text(fitness.reason)},
          {"remedy", text_or_null(fitness.remedy)}};
}

json::object host_value(const tunnels::HostFacts& facts) {
  json::array unresponsive_paths;
  for (const auto& directory : facts.unresponsive_paths) unresponsive_paths.push_back(text(directory.string()));
  const auto version = facts.ssh ? fmt::format("{}.{}", facts.ssh->version.major, facts.ssh->version.minor) : "";
  return {{"name", text(facts.hostname)},
          {"system", text_or_null(facts.system)},
          {"kernel", text_or_null(facts.kernel)},
          {"container", text_or_null(facts.container)},
          {"systemd", facts.booted_by_systemd},
          {"user", text_or_null(facts.user.name)},
          {"uid", facts.user.uid},
          {"home", text_or_null(facts.user.home.string())},
          {"user_manager", or_null(facts.user_manager)},
          {"linger", or_null(facts.linger)},
          {"kill_user_processes", or_null(facts.kills_user_processes)},
          {"ssh", text_or_null(version)},
          {"ssh_program", facts.ssh ? text(facts.ssh->program.string()) : json::value(nullptr)},
          {"hanging", std::move(unresponsive_paths)}};
}

json::object check_value(const ssh::Check& check) {
  const char* outcome = check.skipped ? "skipped" : !check.failure ? "passed" : check.warning ? "warning" : "failed";
  json::object value{{"check", text(check.what)}, {"outcome", outcome}, {"figure", text_or_null(check.figure)},
                     {"class", nullptr},          {"message", nullptr}, {"hint", nullptr}};
  if (!check.failure) return value;
  value["class"] = text(to_text(check.failure->failure));
  value["message"] = text(check.failure->message);
  value["hint"] = text_or_null(check.failure->hint);
  return value;
}

}  // namespace

std::string findings_json(const Findings& findings) {
  json::array backends;
  for (const auto& assessed : findings.host.backends) backends.push_back(backend_value(assessed));
  json::value preflight;
  if (findings.bastion) {
    json::array checks;
    for (const auto& check : findings.checks) checks.push_back(check_value(check));
    preflight = std::move(checks);
  }
  const auto choice =
      findings.choice ? text(findings.host.backends[*findings.choice].backend->name()) : json::value(nullptr);
  return json::serialize(json::object{{"backends", std::move(backends)},
                                      {"scope", text(to_text(findings.scope))},
                                      {"choice", choice},
                                      {"advice", text_or_null(findings.recommendation)},
                                      {"version", HOLDFAST_VERSION},
                                      {"program", text(findings.program.string())},
                                      {"host", host_value(findings.host.facts)},
                                      {"bastion", text_or_null(findings.bastion)},
                                      {"preflight", std::move(preflight)}});
}

}  // namespace holdfast::cli
