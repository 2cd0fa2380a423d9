#include "tunnels/host_facts.hpp"

#include "backends/assessment.hpp"
#include "backends/host/logind.hpp"
#include "backends/host/systemctl.hpp"
#include "core/text.hpp"
#include "os/read_only_host.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

using Answer = std::optional<std::string>;

constexpr std::size_t k_small_file = 16 * 1024;

std::string first_line_of(const os::Host& host, const char* path) {
  const auto text = host.read_file(path, k_small_file);
  return text ? first_line(*text) : std::string();
}

/// os-release(5): PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
std::string name_of_system(const os::Host& host) {
  constexpr std::string_view k_key = "PRETTY_NAME=";
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    const auto text = host.read_file(path, k_small_file);
    if (!text) continue;
    for (const auto& line : split(*text, '\n')) {
      if (!line.starts_with(k_key)) continue;
      auto value = trim(std::string_view(line).substr(k_key.size()));
      if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
        value = value.substr(1, value.size() - 2);
      return std::string(value);
    }
  }
  return {};
}

/// As systemd-detect-virt(1) finds the usual ones.
std::optional<std::string> name_of_container(const os::Host& host) {
  if (auto name = first_line_of(host, "/run/systemd/container"); !name.empty()) return name;
  if (host.status("/run/.containerenv").kind != os::FileKind::missing) return "podman";
  if (host.status("/.dockerenv").kind != os::FileKind::missing) return "docker";
  if (auto name = host.env("container"); name && !name->empty()) return name;
  return std::nullopt;
}

// Queries that may hang run in forked processes. Each answers with a text.

std::string to_answer(bool value) { return value ? "yes" : "no"; }

std::optional<bool> bool_from(const Answer& answer) {
  if (answer == "yes") return true;
  if (answer == "no") return false;
  return std::nullopt;
}

std::string query_ssh(const os::Host& host) {
  const auto client = ssh::find_client(host);
  if (!client) {
    const auto& error = client.error();
    return fmt::format("none\n{}\n{}\n{}\n{}", error.doing, error.subject, error.cause, error.hint);
  }
  return fmt::format("ssh\n{}\n{}\n{}\n", client->program.string(), client->version.major, client->version.minor);
}

void read_ssh(const Answer& answer, HostFacts& facts) {
  const auto lines = answer ? split(*answer, '\n') : std::vector<std::string>();
  if (lines.size() != 5) {
    facts.ssh_problem =
        Error{"looking for", "the ssh program", "it did not answer within 2 s", "run ssh -V to see why"};
    return;
  }
  if (lines[0] == "none") {
    facts.ssh_problem = Error{lines[1], lines[2], lines[3], lines[4]};
    return;
  }
  const auto number = [](const std::string& text) { return static_cast<int>(parse_number(text, 0, 9999).value_or(0)); };
  facts.ssh = ssh::Client{lines[1], {number(lines[2]), number(lines[3])}};
}

std::string query_user_name(const os::Host& host) {
  if (auto name = host.user().name; !name.empty()) return name;
  const auto said = host.run(os::Command{{"id", "-un"}}, backends::k_timeout);
  return said && said->ok() ? std::string(trim(said->out)) : std::string();
}

}  // namespace

HostReport look_at_host(const os::Host& host) {
  HostReport report;
  auto& facts = report.facts;
  const auto read_only = [&host](auto query) -> os::ForkedQuery {
    return [&host, query] { return query(os::ReadOnlyHost(host, backends::k_timeout)); };
  };
  std::vector<os::ForkedQuery> queries{
      read_only(query_ssh), read_only(query_user_name),
      read_only([](const os::Host& h) { return to_answer(backends::user_manager(h).has_value()); }),
      read_only([](const os::Host& h) { return to_answer(backends::is_lingering(h, h.user())); }),
      read_only([](const os::Host& h) {
        const auto kills = backends::kill_policy(h, h.user());
        return kills ? to_answer(*kills) : std::string("?");
      })};
  const auto first_directory = queries.size();
  const auto directories = directories_in_use(host);
  for (const auto& directory : directories) queries.push_back(query_about(directory, host));
  const auto first_backend = queries.size();
  for (const auto* backend : backends::all_backends()) queries.push_back(backends::query_about(*backend, host));

  const auto answers = os::run_forked_queries(queries, backends::k_answer_deadline);
  read_ssh(answers[0], facts);
  facts.user = host.user();
  facts.user.name = answers[1].value_or("");
  facts.user_manager = bool_from(answers[2]);
  facts.linger = bool_from(answers[3]);
  facts.kills_user_processes = bool_from(answers[4]);
  for (std::size_t i = 0; i < directories.size(); ++i)
    if (!answers[first_directory + i]) facts.unresponsive_paths.push_back(directories[i]);
  for (std::size_t i = 0; i < backends::all_backends().size(); ++i)
    report.backends.push_back({backends::all_backends()[i], backends::fitness_from(answers[first_backend + i])});
  facts.hostname = host.hostname();
  facts.kernel = first_line_of(host, "/proc/sys/kernel/osrelease");
  facts.system = name_of_system(host);
  facts.container = name_of_container(host);
  facts.booted_by_systemd = backends::is_booted_with_systemd(host);
  return report;
}

}  // namespace holdfast::tunnels
