#include "supervisor/probe/end_to_end.hpp"

#include "core/loopback_endpoint.hpp"
#include "ssh/mux/socket_probe.hpp"
#include "supervisor/probe/port_holder.hpp"
#include "supervisor/probe/probe_result.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

namespace holdfast::supervisor {
namespace {

using ssh::mux::ProbeAnswer;
using Found = TargetConnections::Found;
using Kind = ProbeAnswered::Kind;

constexpr std::size_t k_most_at_once = 16;
constexpr ssh::mux::Deadline k_target_timeout(3000);
constexpr ssh::mux::Deadline k_shortest_stay_open(250);
/// For a target that another forward of this round found to be down: only the path is of interest.
constexpr ssh::mux::Deadline k_known_target_stay_open(20);
constexpr std::uint16_t k_ssh_port = 22;
const End k_discard = TcpEnd{"127.0.0.1", 9};  // RFC 863; any answer about it proves that the bastion is alive

bool listens_on_socket(const Forward& forward) { return std::holds_alternative<SocketEnd>(forward.listen()); }

bool is_ssh_port(const Forward& forward) {
  const auto* tcp = std::get_if<TcpEnd>(&forward.target());
  return tcp != nullptr && tcp->port == k_ssh_port;
}

/// The probe of one forward: of each address that it listens on, one after the other.
struct ForwardProbe {
  std::size_t position = 0;  ///< In the round.
  std::vector<End> addresses;
  std::size_t at = 0;
  bool alone = false;   ///< No other probe runs, so what ssh logs is about this one.
  bool granted = true;  ///< False: the loopback address is probed because nothing listens where it should.
  std::optional<ForwardResult> result = {};  ///< Of the addresses so far.
  TargetConnections::Mark before = {};
  Found found = Found::none;
};

/// One check().
struct Round {
  std::vector<std::size_t> forwards;  ///< By number.
  Milliseconds timeout{0};
  std::function<void(ProbeAnswered)> on_answer;
  std::vector<ForwardResult> results = {};  ///< By position in `forwards`.
  std::deque<std::size_t> waiting = {};     ///< Positions.
  /// Positions to probe alone, so that what ssh logs is about one probe: a refused channel, a socket on the bastion.
  std::deque<std::size_t> alone = {};
  std::set<std::string> under_way = {};  ///< Targets. Each has one probe at a time, which its connection belongs to.
  std::set<std::string> down = {};       ///< Targets.
  std::size_t running = 0;
  bool is_alive = false;  ///< The bastion replied.
  std::optional<double> rtt_ms = {};
};

}  // namespace

struct EndToEnd::Impl : std::enable_shared_from_this<Impl> {
  ssh::mux::MuxClient& mux;
  ssh::mux::SocketProbe socket_probe;
  const Tunnel& tunnel;
  Ssh ssh;
  TargetConnections connections;
  std::vector<bool> is_ssh_target;  ///< By forward: port 22, or a banner was seen.
  std::vector<bool> was_reached;    ///< By forward: over this connection.
  double last_rtt_ms = 0;
  std::string log;  ///< Of ssh, since the round began, or since a probe began that runs alone.
  std::shared_ptr<Round> round;

  using ProbePtr = std::shared_ptr<ForwardProbe>;

  Impl(boost::asio::io_context& context, ssh::mux::MuxClient& client, const boost::filesystem::path& probe_socket,
       const Tunnel& wanted, Ssh our_ssh)
      : mux(client),
        socket_probe(context, client, probe_socket),
        tunnel(wanted),
        ssh(std::move(our_ssh)),
        was_reached(wanted->forwards.size()) {
    for (const Forward& forward : tunnel->forwards) is_ssh_target.push_back(is_ssh_port(forward));
  }

  // --- the round

  void begin(std::vector<std::size_t> forwards, Milliseconds timeout, std::function<void(ProbeAnswered)> on_answer) {
    round = std::make_shared<Round>(Round{std::move(forwards), timeout, std::move(on_answer)});
    round->results.resize(round->forwards.size());
    for (std::size_t at = 0; at < round->forwards.size(); ++at)
      (listens_on_socket(forward(at)) ? round->alone : round->waiting).push_back(at);
    connections.start_over();
    clear_log();
    start_more();
  }

  [[nodiscard]] std::size_t number(std::size_t position) const { return round->forwards.at(position); }
  [[nodiscard]] const Forward& forward(std::size_t position) const { return tunnel->forwards.at(number(position)); }
  [[nodiscard]] std::string target(std::size_t position) const { return end_text(forward(position).target()); }

  void clear_log() {
    (void)ssh.take_log_lines();
    log.clear();
  }
  const std::string& read_log() { return log += ssh.take_log_lines(); }

  void start_more() {
    while (round->running < k_most_at_once) {
      const auto next = std::ranges::find_if(round->waiting,
                                             [this](std::size_t at) { return !round->under_way.contains(target(at)); });
      if (next == round->waiting.end()) break;
      const std::size_t position = *next;
      round->waiting.erase(next);
      start(position, round->forwards.size() == 1);
    }
    if (round->running != 0) return;
    if (round->alone.empty()) return finish();
    const std::size_t position = round->alone.front();
    round->alone.pop_front();
    start(position, true);
  }

  void start(std::size_t position, bool alone) {
    ++round->running;
    round->under_way.insert(target(position));
    probe(std::make_shared<ForwardProbe>(ForwardProbe{
        .position = position, .addresses = loopback_endpoints(forward(position).listen()), .alone = alone}));
  }

  void release(const ForwardProbe& one) {
    --round->running;
    round->under_way.erase(target(one.position));
  }

  void end_forward(const ForwardProbe& one, ForwardResult result) {
    release(one);
    // The bastion is silent: the other forwards need not wait for their timeouts.
    if (result.kind == Kind::silent && !round->is_alive) return answer({});
    if (result.kind == Kind::target_down && result.state == store::ForwardState::down)
      round->down.insert(target(one.position));
    round->results.at(one.position) = std::move(result);
    start_more();
  }

  void finish() {
    ProbeAnswered whole = combine(std::move(round->results));
    whole.rtt_ms = round->rtt_ms;
    answer(std::move(whole));
  }

  void answer(ProbeAnswered whole) {
    const auto ended = std::exchange(round, nullptr);
    ended->on_answer(std::move(whole));
  }

  // --- one forward

  void probe(const ProbePtr& one) {
    if (one->alone) clear_log();
    const End& aim = forward(one->position).target();
    const bool is_known_down = round->down.contains(end_text(aim));
    const auto stay = std::chrono::milliseconds(static_cast<int>(2 * last_rtt_ms));
    one->before = TargetConnections::mark(ssh.pid(), aim);
    one->found = Found::none;
    ssh::mux::ProbeRequest request{.listen = one->addresses.at(one->at),
                                   .expect_ssh_banner = is_ssh_target[number(one->position)] && !is_known_down,
                                   .reply = round->timeout,
                                   .timeout = k_target_timeout,
                                   .stay_open = is_known_down
                                                    ? k_known_target_stay_open
                                                    : std::clamp(stay, k_shortest_stay_open, k_target_timeout)};
    const std::weak_ptr<Round> asked_in = round;
    request.may_end = [self = weak_from_this(), asked_in, one, is_known_down] {
      const auto alive = self.lock();
      if (!alive || !alive->round || asked_in.lock() != alive->round) return true;
      const End& end = alive->forward(one->position).target();
      if (one->found != Found::connected) one->found = alive->connections.find(alive->ssh.pid(), end, one->before);
      return one->found == Found::connected || one->found == Found::unknown ||
             (is_known_down && one->found == Found::connecting);
    };
    dial(request, [self = weak_from_this(), asked_in, one](const ProbeAnswer& reply) {
      const auto alive = self.lock();
      if (alive && alive->round && asked_in.lock() == alive->round) alive->handle(one, reply);
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
      if (reply.kind == ProbeAnswer::Kind::closed && alive->read_log().find(k_not_opened) != std::string::npos)
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
    request.may_end = nullptr;
    mux.probe(request, [self = weak_from_this(), handler = std::move(handler)](ProbeAnswer reply) {
      const auto alive = self.lock();
      if (!alive) return;
      (void)alive->ssh.take_log_lines();  // about this request only
      if (reply.kind != ProbeAnswer::Kind::no_reply) reply.kind = ProbeAnswer::Kind::silent;
      handler(std::move(reply));
    });
  }

  void handle(const ProbePtr& one, const ProbeAnswer& reply) {
    if (reply.kind != ProbeAnswer::Kind::no_reply) round->is_alive = true;
    if (reply.kind == ProbeAnswer::Kind::refused) return handle_refusal(one);
    const std::size_t at = number(one->position);
    const bool is_open = reply.kind == ProbeAnswer::Kind::banner || reply.kind == ProbeAnswer::Kind::open;
    if (is_open) {
      last_rtt_ms = static_cast<double>(reply.round_trip.count()) / 1000.0;
      round->rtt_ms = std::max(round->rtt_ms.value_or(0), last_rtt_ms);
    }
    if (reply.kind == ProbeAnswer::Kind::banner) is_ssh_target[at] = true;
    const Forward& probed = forward(one->position);
    ForwardResult result = result_of({.answer = reply,
                                      .found = one->found,
                                      .connect_failed = says_connect_failed(read_log(), probed.target()),
                                      .dialled = one->addresses.at(one->at)},
                                     tunnel, probed);
    const bool is_known_down = round->down.contains(end_text(probed.target()));
    if (is_known_down && result.kind == Kind::verified) result = result_of_down_target(probed);
    if (result.state != store::ForwardState::busy && result.kind != Kind::silent && one->granted)
      was_reached[at] = true;
    if (result.kind == Kind::verified && !one->granted) result = not_granted(probed);
    end_address(one, std::move(result));
  }

  /// What an earlier forward to the same target found.
  [[nodiscard]] ForwardResult result_of_down_target(const Forward& probed) const {
    for (std::size_t at = 0; at < round->results.size(); ++at)
      if (round->results[at].kind == Kind::target_down && forward(at).target() == probed.target())
        return round->results[at];
    return {};
  }

  void end_address(const ProbePtr& one, ForwardResult result) {
    const bool goes_on = result.kind == Kind::verified && one->at + 1 < one->addresses.size();
    if (!goes_on) return end_forward(*one, std::move(result));
    one->result = std::move(result);
    ++one->at;
    probe(one);
  }

  void handle_refusal(const ProbePtr& one) {
    if (!one->alone) {
      release(*one);
      round->alone.push_back(one->position);
      return start_more();
    }
    const Forward& probed = forward(one->position);
    const std::size_t at = number(one->position);
    const End& dialled = one->addresses.at(one->at);
    // For a unix socket the bastion gives no reason: serverloop.c of openssh-portable, server_input_channel_open. A
    // socket that was reached over this connection is not forbidden.
    const auto failure = classify_open_failure(read_log());
    // The bastion need not have the second address.
    if (one->result && failure != OpenFailure::prohibited) return end_forward(*one, std::move(*one->result));
    const bool nobody_listens = listens_on_socket(probed) ? was_reached[at] : failure == OpenFailure::nobody_listens;
    if (!nobody_listens) return end_forward(*one, forbidden(dialled));
    const auto* tcp = std::get_if<TcpEnd>(&dialled);
    if (tcp == nullptr || was_reached[at] || is_loopback_address(dialled) || !one->granted)
      return end_forward(*one, lost(probed));
    one->granted = false;
    one->addresses = {TcpEnd{"127.0.0.1", tcp->port}};
    one->at = 0;
    probe(one);
  }
};

EndToEnd::EndToEnd(boost::asio::io_context& context, ssh::mux::MuxClient& mux,
                   const boost::filesystem::path& probe_socket, const Tunnel& tunnel, Ssh ssh)
    : impl_(std::make_shared<Impl>(context, mux, probe_socket, tunnel, std::move(ssh))) {}

EndToEnd::~EndToEnd() = default;

void EndToEnd::check(std::vector<std::size_t> forwards, Milliseconds timeout,
                     std::function<void(ProbeAnswered)> on_answer) {
  impl_->begin(std::move(forwards), timeout, std::move(on_answer));
}

void EndToEnd::find_port_holder(std::size_t forward, bool await_target,
                                std::function<void(PortHolderAnswered)> on_answer) {
  impl_->clear_log();
  const ssh::mux::ProbeRequest request{.listen = loopback_endpoint(impl_->tunnel->forwards.at(forward).listen()),
                                       .expect_ssh_banner = await_target && impl_->is_ssh_target.at(forward),
                                       .reply = k_target_timeout,
                                       .timeout = k_target_timeout,
                                       .stay_open = await_target ? k_target_timeout : ssh::mux::Deadline{}};
  impl_->dial(request,
              [self = impl_->weak_from_this(), handler = std::move(on_answer), forward](const ProbeAnswer& reply) {
                const auto alive = self.lock();
                if (!alive) return;
                const End& listen = alive->tunnel->forwards.at(forward).listen();
                handler(port_holder_of(reply, listen, alive->read_log()));
              });
}

}  // namespace holdfast::supervisor
