#include "core/text.hpp"
#include "ssh/client/failed_login.hpp"
#include "ssh/client/route_agents.hpp"
#include "ssh/diagnosis/jump_host.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/keys/agent.hpp"
#include "ssh/keys/certificate.hpp"
#include "ssh/keys/identity.hpp"
#include "ssh/preflight/preflight_run.hpp"

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_agent_timeout{5};

bool has_keys_in_session_agent(const PreflightRun& run) {
  const auto socket = run.host.env("SSH_AUTH_SOCK");
  return socket && !socket->empty() && probe_agent(*socket, k_agent_timeout) == AgentState::has_keys;
}

}  // namespace

bool check_route(PreflightRun& run) {
  auto route =
      resolve_route(run.host, run.request.client, run.tunnel->bastion, run.tunnel->ssh_options, run.request.run_as);
  if (!route) {
    // ssh itself explains every other mistake in its configuration.
    if (route.error().failure != to_text(FailureClass::jump_host)) return true;
    run.checks.fail("bastion reached", jump_host_loop(run.tunnel->bastion));
    return false;
  }
  run.route = std::move(*route);
  for (const auto& agent : route_agents(run.route, run.tunnel, run.request.run_as.home)) {
    if (probe_agent(agent, k_agent_timeout) != AgentState::silent) continue;
    run.checks.fail("ssh agent answering", explain_silent_agent(run.tunnel, agent.native()));
    return false;
  }
  return true;
}

Diagnosis refine_login_failure(const PreflightRun& run, Diagnosis diagnosis, std::string_view log) {
  if (diagnosis.failure == FailureClass::auth) {
    if (auto locked = check_default_keys(run.host, run.tunnel, run.request, log)) return std::move(*locked);
    if (auto invalid = check_certificate(run.host, run.tunnel, run.request.run_as.home)) return std::move(*invalid);
  }
  if (diagnosis.failure == FailureClass::key_missing && !run.tunnel->identity && has_keys_in_session_agent(run))
    return explain_agent_only(run.tunnel);
  return with_settings(std::move(diagnosis), run.route.destination);
}

}  // namespace holdfast::ssh
