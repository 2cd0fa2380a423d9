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

constexpr ssh::mux::Deadline k_reply(3000);
constexpr ssh::mux::Deadline k_open_at_least(250);
constexpr std::uint16_t k_ssh_port = 22;
const End k_discard = TcpEnd{"127.0.0.1", 9};  // RFC 863: any word of the bastion's about it shows that it lives

// The worst of all forwards decides.
int badness(Kind kind) {
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
RefusedOpen why_refused(std::string_view log_lines) noexcept {
  if (log_lines.find("administratively prohibited") != std::string_view::npos) return RefusedOpen::prohibited;
  if (log_lines.find("open failed: connect failed: Connection refused") != std::string_view::npos ||
      log_lines.find("open failed: connect failed: open failed") != std::string_view::npos ||
      log_lines.find("open failed: connect failed: No such file") != std::string_view::npos)
    return RefusedOpen::nobody_listens;
  return RefusedOpen::other;
}

struct EndToEnd::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  ssh::mux::MuxClient& mux;
  ssh::mux::SocketProbe socket_probe;
  const Tunnel& tunnel;
  std::function<std::string()> log;
  std::vector<bool> speaks_ssh;   ///< learned, or by the port
  std::vector<bool> was_reached;  ///< over this connection, a socket of the bastion's
  double last_rtt_ms = 0;

  // of the check under way
  std::uint64_t round = 0;
  std::vector<std::size_t> asked_about;  ///< numbers of forwards
  std::size_t turn = 0;                  ///< of them
  std::size_t at = 0;                    ///< asked_about[turn]
  Milliseconds timeout{0};
  ProbeAnswered answer;
  std::function<void(ProbeAnswered)> on_answer;
  std::optional<LocalTarget> target;

  Impl(boost::asio::io_context& owner, ssh::mux::MuxClient& client, const boost::filesystem::path& probe_socket,
       const Tunnel& wanted, std::function<std::string()> said)
      : context(owner),
        mux(client),
        socket_probe(owner, client, probe_socket),
        tunnel(wanted),
        log(std::move(said)),
        was_reached(wanted->forwards.size()) {
    for (const Forward& forward : tunnel->forwards) {
      const auto* tcp = std::get_if<TcpEnd>(&forward.target());
      speaks_ssh.push_back(tcp != nullptr && tcp->port == k_ssh_port);
    }
  }

  void begin(std::vector<std::size_t> which, Milliseconds span, std::function<void(ProbeAnswered)> handler) {
    ++round;
    asked_about = std::move(which);
    turn = 0;
    at = asked_about.at(0);
    timeout = span;
    answer = ProbeAnswered{};
    answer.kind = Kind::verified;
    on_answer = std::move(handler);
    ask();
  }

  void ask() {
    (void)log();
    const auto stay = std::chrono::milliseconds(static_cast<int>(2 * last_rtt_ms));
    const ssh::mux::ProbeRequest request{.listen = loopback_endpoint(tunnel->forwards[at].listen()),
                                         .expect_ssh_banner = speaks_ssh[at],
                                         .reply = timeout,
                                         .timeout = k_reply,
                                         .stay_open = std::clamp(stay, k_open_at_least, k_reply)};
    dial(request, [self = weak_from_this(), asked = round](const ProbeAnswer& heard) {
      const auto alive = self.lock();
      if (alive && alive->round == asked) alive->hear(heard);
    });
  }

  /// A socket of the bastion's needs another way there, whose answers are brought in line with the usual one's.
  void dial(const ssh::mux::ProbeRequest& request, ssh::mux::MuxClient::OnProbe handler) {
    if (!std::holds_alternative<SocketEnd>(request.listen)) return mux.probe(request, std::move(handler));
    socket_probe.probe(request, [self = weak_from_this(), request, handler = std::move(handler)](ProbeAnswer heard) {
      const auto alive = self.lock();
      if (!alive) return;
      if (heard.kind == ProbeAnswer::Kind::silent) return alive->tell_silent_target(request, handler);
      constexpr std::string_view k_not_opened = ": open failed: ";
      if (heard.kind == ProbeAnswer::Kind::closed && alive->log().find(k_not_opened) != std::string::npos)
        heard.kind = ProbeAnswer::Kind::refused;
      handler(std::move(heard));
    });
  }

  /// Silence may be the target's or the bastion's: whether the channel was opened, this way does not tell.
  void tell_silent_target(const ssh::mux::ProbeRequest& asked, ssh::mux::MuxClient::OnProbe handler) {
    auto request = asked;
    request.listen = k_discard;
    request.stay_open = {};
    request.expect_ssh_banner = false;
    mux.probe(request, [self = weak_from_this(), handler = std::move(handler)](ProbeAnswer heard) {
      const auto alive = self.lock();
      if (!alive) return;
      (void)alive->log();  // what ssh says of this question is no news
      if (heard.kind != ProbeAnswer::Kind::no_reply) heard.kind = ProbeAnswer::Kind::silent;
      handler(std::move(heard));
    });
  }

  void hear(const ProbeAnswer& heard) {
    const Forward& forward = tunnel->forwards[at];
    switch (heard.kind) {
      case ProbeAnswer::Kind::banner:
        speaks_ssh[at] = true;
        [[fallthrough]];
      case ProbeAnswer::Kind::open: {
        last_rtt_ms = static_cast<double>(heard.round_trip.count()) / 1000.0;
        answer.rtt_ms = std::max(answer.rtt_ms.value_or(0), last_rtt_ms);
        was_reached[at] = true;
        if (heard.kind == ProbeAnswer::Kind::banner) return take(Kind::verified, {});
        return look_at_target(forward);
      }
      case ProbeAnswer::Kind::silent:
      case ProbeAnswer::Kind::closed:
        return take(Kind::target_down, ssh::explain(FailureClass::target_down, tunnel, forward));
      case ProbeAnswer::Kind::refused:
        return refused(forward);
      case ProbeAnswer::Kind::no_reply:
        return take(Kind::silent, {});
    }
  }

  // An open channel proves the path; that something is at its end here, only the target itself can prove.
  void look_at_target(const Forward& forward) {
    target.emplace(context);
    target->connect(forward.target(), [self = weak_from_this(), asked = round](bool answers) {
      const auto alive = self.lock();
      if (!alive || alive->round != asked) return;
      if (answers) return alive->take(Kind::verified, {});
      const Forward& one = alive->tunnel->forwards[alive->at];
      alive->take(Kind::target_down, ssh::explain(FailureClass::target_down, alive->tunnel, one));
    });
  }

  void refused(const Forward& forward) {
    if (std::holds_alternative<SocketEnd>(forward.listen())) return refused_socket(forward);
    if (why_refused(log()) == RefusedOpen::nobody_listens) return lost(forward);
    const Diagnosis why{FailureClass::forward_denied,
                        "the bastion forbids connections to " + end_text(loopback_endpoint(forward.listen())) +
                            ", so the tunnel cannot be verified from the far side",
                        "allow it for this key on the bastion: permitopen=\"" +
                            end_text(loopback_endpoint(forward.listen())) + "\" in authorized_keys"};
    take(Kind::unproven, why);
  }

  PortHolderAnswered holder_from(const ProbeAnswer& heard, std::size_t forward) {
    using Holder = PortHolderAnswered::Kind;
    const End& listen = tunnel->forwards.at(forward).listen();
    switch (heard.kind) {
      case ProbeAnswer::Kind::no_reply:
        return {.kind = Holder::no_reply, .why = {}};
      case ProbeAnswer::Kind::refused: {
        const RefusedOpen why = why_refused(log());
        // A socket's file stays when its listener is gone, and is in the way of the next one: unix(7).
        if (std::holds_alternative<SocketEnd>(listen) && why != RefusedOpen::prohibited)
          return {.kind = Holder::held, .why = {}};
        return {.kind = why == RefusedOpen::nobody_listens ? Holder::nobody : Holder::prohibited, .why = {}};
      }
      case ProbeAnswer::Kind::silent:
        if (heard.spoke)
          return {
              .kind = Holder::held,
              .why = Diagnosis{FailureClass::forward_busy,
                               end_text(listen) + " of the bastion is taken by somebody else: what answers there is "
                                                  "no ssh server",
                               "take another port"},
              .lives = true};
        return {.kind = Holder::silent,
                .why = Diagnosis{FailureClass::forward_busy,
                                 "the bastion still holds " + end_text(listen) + " for a host that does not answer",
                                 "it lets go sooner with ClientAliveInterval 15 in its sshd_config"}};
      case ProbeAnswer::Kind::banner:
        return {.kind = Holder::held,
                .why = Diagnosis{FailureClass::forward_busy,
                                 end_text(listen) +
                                     " of the bastion is taken by somebody else: an ssh server answers there",
                                 "take another port, or end the tunnel that has this one"},
                .lives = true};
      case ProbeAnswer::Kind::open:
        return {.kind = Holder::held, .lives = heard.spoke};
      case ProbeAnswer::Kind::closed:
        return {.kind = Holder::held, .lives = true};
    }
    return {};
  }

  void lost(const Forward& forward) {
    take(Kind::lost, Diagnosis{FailureClass::closed,
                               "nothing listens on " + end_text(forward.listen()) + " of the bastion any more",
                               {}});
  }

  /// Of a socket the bastion gives no reason: serverloop.c of openssh-portable, server_input_channel_open. What was
  /// reached once over this connection is not forbidden now.
  void refused_socket(const Forward& forward) {
    if (was_reached[at]) return lost(forward);
    take(Kind::unproven, Diagnosis{FailureClass::forward_denied,
                                   "the bastion forbids connections to its socket " + end_text(forward.listen()) +
                                       ", so the tunnel cannot be verified from the far side",
                                   "allow it on the bastion: AllowStreamLocalForwarding yes in its sshd_config, and "
                                   "port-forwarding for this key in authorized_keys"});
  }

  void take(Kind kind, std::optional<Diagnosis> why) {
    answer.forwards.push_back(state_after(kind));
    if (badness(kind) > badness(answer.kind)) {
      answer.kind = kind;
      answer.why = std::move(why);
    }
    if (kind != Kind::silent && ++turn < asked_about.size()) {
      at = asked_about[turn];
      return ask();
    }
    ++round;
    if (const auto handler = std::exchange(on_answer, nullptr)) handler(std::move(answer));
  }
};

EndToEnd::EndToEnd(boost::asio::io_context& context, ssh::mux::MuxClient& mux,
                   const boost::filesystem::path& probe_socket, const Tunnel& tunnel, std::function<std::string()> log)
    : impl_(std::make_shared<Impl>(context, mux, probe_socket, tunnel, std::move(log))) {}

EndToEnd::~EndToEnd() = default;

void EndToEnd::check(std::vector<std::size_t> forwards, Milliseconds timeout,
                     std::function<void(ProbeAnswered)> on_answer) {
  impl_->begin(std::move(forwards), timeout, std::move(on_answer));
}

void EndToEnd::find_port_holder(std::size_t forward, bool closely, std::function<void(PortHolderAnswered)> on_answer) {
  (void)impl_->log();
  const ssh::mux::ProbeRequest request{.listen = loopback_endpoint(impl_->tunnel->forwards.at(forward).listen()),
                                       .expect_ssh_banner = closely && impl_->speaks_ssh.at(forward),
                                       .reply = k_reply,
                                       .timeout = k_reply,
                                       .stay_open = closely ? k_reply : ssh::mux::Deadline{}};
  impl_->dial(request,
              [self = impl_->weak_from_this(), handler = std::move(on_answer), forward](const ProbeAnswer& heard) {
                if (const auto alive = self.lock()) handler(alive->holder_from(heard, forward));
              });
}

}  // namespace holdfast::supervisor
