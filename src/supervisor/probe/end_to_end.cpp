#include "supervisor/probe/end_to_end.hpp"

#include "core/loopback_endpoint.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/mux/socket_probe.hpp"
#include "supervisor/probe/local_target.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using ssh::mux::ProbeAnswer;
using store::ForwardState;
using Kind = ProbeAnswered::Kind;

constexpr ssh::mux::Deadline k_target_timeout(3000);
constexpr ssh::mux::Deadline k_shortest_stay_open(250);
constexpr std::uint16_t k_ssh_port = 22;
const End k_discard = TcpEnd{"127.0.0.1", 9};  // RFC 863; any answer about it proves that the bastion is alive

int severity(Kind kind) {
  switch (kind) {
    case Kind::verified:
      return 0;
    case Kind::unproven:
      return 1;
    case Kind::target_down:
      return 2;
    case Kind::lost:
      return 3;
    case Kind::silent:
      return 4;
  }
  return 4;
}

ForwardState state_after(Kind kind) {
  return kind == Kind::verified || kind == Kind::unproven ? ForwardState::up : ForwardState::down;
}

}  // namespace

// "channel 2: open failed: connect failed: Connection refused", serverloop.c and channels.c of openssh-portable.
OpenFailure classify_open_failure(std::string_view log_lines) noexcept {
  if (log_lines.find("administratively prohibited") != std::string_view::npos) return OpenFailure::prohibited;
  if (log_lines.find("open failed: connect failed: Connection refused") != std::string_view::npos ||
      log_lines.find("open failed: connect failed: open failed") != std::string_view::npos ||
      log_lines.find("open failed: connect failed: No such file") != std::string_view::npos)
    return OpenFailure::nobody_listens;
  return OpenFailure::other;
}

struct EndToEnd::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  ssh::mux::MuxClient& mux;
  ssh::mux::SocketProbe socket_probe;
  const Tunnel& tunnel;
  std::function<std::string()> take_log_lines;
  std::vector<bool> is_ssh_target;  ///< By forward: port 22, or a banner was seen.
  std::vector<bool> was_reached;    ///< By forward: over this connection.
  double last_rtt_ms = 0;

  // of the current check
  std::uint64_t round = 0;            ///< An answer to an earlier check is ignored.
  std::vector<std::size_t> forwards;  ///< By number.
  std::size_t position = 0;           ///< In `forwards`.
  std::size_t at = 0;                 ///< forwards[position]
  Milliseconds timeout{0};
  ProbeAnswered answer;
  std::function<void(ProbeAnswered)> on_answer;
  std::optional<LocalTarget> target;

  Impl(boost::asio::io_context& owner, ssh::mux::MuxClient& client, const boost::filesystem::path& probe_socket,
       const Tunnel& wanted, std::function<std::string()> log_lines)
      : context(owner),
        mux(client),
        socket_probe(owner, client, probe_socket),
        tunnel(wanted),
        take_log_lines(std::move(log_lines)),
        was_reached(wanted->forwards.size()) {
    for (const Forward& forward : tunnel->forwards) {
      const auto* tcp = std::get_if<TcpEnd>(&forward.target());
      is_ssh_target.push_back(tcp != nullptr && tcp->port == k_ssh_port);
    }
  }

  void begin(std::vector<std::size_t> wanted, Milliseconds span, std::function<void(ProbeAnswered)> handler) {
    ++round;
    forwards = std::move(wanted);
    position = 0;
    at = forwards.at(0);
    timeout = span;
    answer = ProbeAnswered{};
    answer.kind = Kind::verified;
    on_answer = std::move(handler);
    probe();
  }

  void probe() {
    (void)take_log_lines();
    const auto stay = std::chrono::milliseconds(static_cast<int>(2 * last_rtt_ms));
    const ssh::mux::ProbeRequest request{.listen = loopback_endpoint(tunnel->forwards[at].listen()),
                                         .expect_ssh_banner = is_ssh_target[at],
                                         .reply = timeout,
                                         .timeout = k_target_timeout,
                                         .stay_open = std::clamp(stay, k_shortest_stay_open, k_target_timeout)};
    dial(request, [self = weak_from_this(), asked_in = round](const ProbeAnswer& reply) {
      const auto alive = self.lock();
      if (alive && alive->round == asked_in) alive->handle(reply);
    });
  }

  /// A unix socket on the bastion needs SocketProbe. Its answers are translated to those of MuxClient::probe.
  void dial(const ssh::mux::ProbeRequest& request, ssh::mux::MuxClient::OnProbe handler) {
    if (!std::holds_alternative<SocketEnd>(request.listen)) return mux.probe(request, std::move(handler));
    socket_probe.probe(request, [self = weak_from_this(), request, handler = std::move(handler)](ProbeAnswer reply) {
      const auto alive = self.lock();
      if (!alive) return;
      if (reply.kind == ProbeAnswer::Kind::silent) return alive->classify_silence(request, handler);
      constexpr std::string_view k_not_opened = ": open failed: ";
      if (reply.kind == ProbeAnswer::Kind::closed && alive->take_log_lines().find(k_not_opened) != std::string::npos)
        reply.kind = ProbeAnswer::Kind::refused;
      handler(std::move(reply));
    });
  }

  /// SocketProbe does not tell whether the target or the bastion is silent. A probe of another port does.
  void classify_silence(const ssh::mux::ProbeRequest& original, ssh::mux::MuxClient::OnProbe handler) {
    auto request = original;
    request.listen = k_discard;
    request.stay_open = {};
    request.expect_ssh_banner = false;
    mux.probe(request, [self = weak_from_this(), handler = std::move(handler)](ProbeAnswer reply) {
      const auto alive = self.lock();
      if (!alive) return;
      (void)alive->take_log_lines();  // about this request only
      if (reply.kind != ProbeAnswer::Kind::no_reply) reply.kind = ProbeAnswer::Kind::silent;
      handler(std::move(reply));
    });
  }

  void handle(const ProbeAnswer& reply) {
    const Forward& forward = tunnel->forwards[at];
    switch (reply.kind) {
      case ProbeAnswer::Kind::banner:
        is_ssh_target[at] = true;
        [[fallthrough]];
      case ProbeAnswer::Kind::open: {
        last_rtt_ms = static_cast<double>(reply.round_trip.count()) / 1000.0;
        answer.rtt_ms = std::max(answer.rtt_ms.value_or(0), last_rtt_ms);
        was_reached[at] = true;
        if (reply.kind == ProbeAnswer::Kind::banner) return finish_forward(Kind::verified, {});
        return check_target(forward);
      }
      case ProbeAnswer::Kind::silent:
      case ProbeAnswer::Kind::closed:
        return finish_forward(Kind::target_down, ssh::explain(FailureClass::target_down, tunnel, forward));
      case ProbeAnswer::Kind::refused:
        return refused(forward);
      case ProbeAnswer::Kind::no_reply:
        return finish_forward(Kind::silent, {});
    }
  }

  // An open channel proves the path only. Connect to the target directly.
  void check_target(const Forward& forward) {
    target.emplace(context);
    target->connect(forward.target(), [self = weak_from_this(), asked_in = round](bool accepts) {
      const auto alive = self.lock();
      if (!alive || alive->round != asked_in) return;
      if (accepts) return alive->finish_forward(Kind::verified, {});
      const Forward& probed = alive->tunnel->forwards[alive->at];
      alive->finish_forward(Kind::target_down, ssh::explain(FailureClass::target_down, alive->tunnel, probed));
    });
  }

  void refused(const Forward& forward) {
    if (std::holds_alternative<SocketEnd>(forward.listen())) return refused_socket(forward);
    if (classify_open_failure(take_log_lines()) == OpenFailure::nobody_listens) return lost(forward);
    const Diagnosis why{FailureClass::forward_denied,
                        "the bastion forbids connections to " + end_text(loopback_endpoint(forward.listen())) +
                            ", so the tunnel cannot be verified end to end",
                        "allow it for this key on the bastion: permitopen=\"" +
                            end_text(loopback_endpoint(forward.listen())) + "\" in authorized_keys"};
    finish_forward(Kind::unproven, why);
  }

  PortHolderAnswered holder_from(const ProbeAnswer& reply, std::size_t forward) {
    using Holder = PortHolderAnswered::Kind;
    const End& listen = tunnel->forwards.at(forward).listen();
    switch (reply.kind) {
      case ProbeAnswer::Kind::no_reply:
        return {.kind = Holder::no_reply, .why = {}};
      case ProbeAnswer::Kind::refused: {
        const OpenFailure why = classify_open_failure(take_log_lines());
        // A socket's file stays when its listener exits, and blocks the next listener: unix(7).
        if (std::holds_alternative<SocketEnd>(listen) && why != OpenFailure::prohibited)
          return {.kind = Holder::held, .why = {}};
        return {.kind = why == OpenFailure::nobody_listens ? Holder::free : Holder::prohibited, .why = {}};
      }
      case ProbeAnswer::Kind::silent:
        if (reply.spoke)
          return {.kind = Holder::held,
                  .why = Diagnosis{FailureClass::forward_busy,
                                   end_text(listen) +
                                       " on the bastion is already in use: a service that is not ssh answers "
                                       "there",
                                   "use another port"},
                  .responds = true};
        return {.kind = Holder::silent,
                .why = Diagnosis{FailureClass::forward_busy,
                                 "the bastion still holds " + end_text(listen) + " for a host that does not answer",
                                 "set ClientAliveInterval 15 in its sshd_config: it then releases the port sooner"}};
      case ProbeAnswer::Kind::banner:
        return {.kind = Holder::held,
                .why = Diagnosis{FailureClass::forward_busy,
                                 end_text(listen) + " on the bastion is already in use: an ssh server answers there",
                                 "use another port, or end the tunnel that has this one"},
                .responds = true};
      case ProbeAnswer::Kind::open:
        return {.kind = Holder::held, .responds = reply.spoke};
      case ProbeAnswer::Kind::closed:
        return {.kind = Holder::held, .responds = true};
    }
    return {};
  }

  void lost(const Forward& forward) {
    finish_forward(
        Kind::lost,
        Diagnosis{
            FailureClass::closed, "nothing listens on " + end_text(forward.listen()) + " on the bastion any more", {}});
  }

  /// For a unix socket the bastion gives no reason: serverloop.c of openssh-portable, server_input_channel_open. A
  /// socket that was reached over this connection is not forbidden.
  void refused_socket(const Forward& forward) {
    if (was_reached[at]) return lost(forward);
    finish_forward(Kind::unproven,
                   Diagnosis{FailureClass::forward_denied,
                             "the bastion forbids connections to its socket " + end_text(forward.listen()) +
                                 ", so the tunnel cannot be verified end to end",
                             "allow it on the bastion: AllowStreamLocalForwarding yes in its sshd_config, and "
                             "port-forwarding for this key in authorized_keys"});
  }

  void finish_forward(Kind kind, std::optional<Diagnosis> why) {
    answer.forwards.push_back(state_after(kind));
    if (severity(kind) > severity(answer.kind)) {
      answer.kind = kind;
      answer.why = std::move(why);
    }
    if (kind != Kind::silent && ++position < forwards.size()) {
      at = forwards[position];
      return probe();
    }
    ++round;
    if (const auto handler = std::exchange(on_answer, nullptr)) handler(std::move(answer));
  }
};

EndToEnd::EndToEnd(boost::asio::io_context& context, ssh::mux::MuxClient& mux,
                   const boost::filesystem::path& probe_socket, const Tunnel& tunnel,
                   std::function<std::string()> take_log_lines)
    : impl_(std::make_shared<Impl>(context, mux, probe_socket, tunnel, std::move(take_log_lines))) {}

EndToEnd::~EndToEnd() = default;

void EndToEnd::check(std::vector<std::size_t> forwards, Milliseconds timeout,
                     std::function<void(ProbeAnswered)> on_answer) {
  impl_->begin(std::move(forwards), timeout, std::move(on_answer));
}

void EndToEnd::find_port_holder(std::size_t forward, bool await_target,
                                std::function<void(PortHolderAnswered)> on_answer) {
  (void)impl_->take_log_lines();
  const ssh::mux::ProbeRequest request{.listen = loopback_endpoint(impl_->tunnel->forwards.at(forward).listen()),
                                       .expect_ssh_banner = await_target && impl_->is_ssh_target.at(forward),
                                       .reply = k_target_timeout,
                                       .timeout = k_target_timeout,
                                       .stay_open = await_target ? k_target_timeout : ssh::mux::Deadline{}};
  impl_->dial(request,
              [self = impl_->weak_from_this(), handler = std::move(on_answer), forward](const ProbeAnswer& reply) {
                if (const auto alive = self.lock()) handler(alive->holder_from(reply, forward));
              });
}

}  // namespace holdfast::supervisor
