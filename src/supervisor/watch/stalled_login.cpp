#include "supervisor/watch/stalled_login.hpp"

#include "ssh/client/resolution.hpp"
#include "ssh/client/route_agents.hpp"
#include "ssh/diagnosis/jump_host.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/keys/agent.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::seconds k_stalled(1);
constexpr std::chrono::seconds k_agent_timeout(5);

/// One agent that has not answered yet.
struct Agent {
  ssh::fs::path socket;
  std::unique_ptr<boost::asio::posix::stream_descriptor> answer;  ///< Null: it did not even accept.
};

}  // namespace

struct StalledLogin::Impl {
  boost::asio::io_context& context;
  os::Host& host;
  ssh::Client client;
  std::function<void(Diagnosis)> on_cause;
  boost::asio::steady_timer timer;
  std::optional<Tunnel> tunnel = {};
  std::vector<Agent> agents = {};

  void after(std::chrono::seconds span, void (Impl::*step)()) {
    timer.expires_after(span);
    timer.async_wait([this, step](const boost::system::error_code& cancelled) {
      if (!cancelled && tunnel) (this->*step)();
    });
  }

  void read_route() {
    const auto user = host.user();
    const auto route = ssh::resolve_route(host, client, (*tunnel)->bastion, (*tunnel)->ssh_options, user);
    if (!route && route.error().failure == to_text(FailureClass::jump_host))
      return report(ssh::jump_host_loop((*tunnel)->bastion));
    if (!route) return;
    for (auto& socket : ssh::route_agents(*route, *tunnel, user.home)) ask(std::move(socket));
    if (!agents.empty()) after(k_agent_timeout, &Impl::report_agent);
  }

  void ask(ssh::fs::path socket) {
    const auto request = ssh::request_agent_keys(socket);
    if (request.state != ssh::AgentState::silent) return;
    Agent agent{std::move(socket), nullptr};
    if (request.descriptor >= 0) {
      agent.answer = std::make_unique<boost::asio::posix::stream_descriptor>(context, request.descriptor);
      agent.answer->async_wait(boost::asio::posix::descriptor_base::wait_read,
                               [this, raw = agent.answer.get()](const boost::system::error_code& cancelled) {
                                 if (!cancelled)
                                   std::erase_if(agents, [&](const Agent& one) { return one.answer.get() == raw; });
                               });
    }
    agents.push_back(std::move(agent));
  }

  void report_agent() {
    if (!agents.empty()) report(ssh::explain_silent_agent(*tunnel, agents.front().socket.native()));
  }

  void report(Diagnosis why) {
    stop();
    on_cause(std::move(why));
  }

  void stop() {
    tunnel.reset();
    agents.clear();
    timer.cancel();
  }
};

StalledLogin::StalledLogin(boost::asio::io_context& context, os::Host& host, ssh::Client client,
                           std::function<void(Diagnosis)> on_cause)
    : impl_(new Impl{context, host, std::move(client), std::move(on_cause), boost::asio::steady_timer(context)}) {}

StalledLogin::~StalledLogin() = default;

void StalledLogin::start(const Tunnel& tunnel) {
  impl_->stop();
  impl_->tunnel = tunnel;
  impl_->after(k_stalled, &Impl::read_route);
}

void StalledLogin::stop() { impl_->stop(); }

}  // namespace holdfast::supervisor
