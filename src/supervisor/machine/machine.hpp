// The life of one tunnel as a pure state machine: events in, actions out. No I/O, no clock, no chance of its own, so a
// year of outages runs in milliseconds and its rules can be tested on streams of random events.
//
//   idle ─ start ─► starting ─ control socket ─► opening ─ all granted ─► verifying ─ probe answered ─► up
//                     │  ▲                          │ ▲                      │                           │
//        ssh ended,   │  │ retry timer,     refused │ │ granted              │ two silences, ssh ended   │
//        60 s are over│  │ path is back             ▼ │                      │                           │
//                     ▼  │                       contested                   │                           │
//                   waiting ◄─────────────────── ending ◄────────────────────┴───────────────────────────┘
//
// `starting`: ssh runs, its control socket is not there yet: it is not logged in. `opening`: the forwards are asked
// for, one after the other. `contested`: of at least one forward the bastion's port is taken, most likely by our own
// stale session; the others are open and looked at. The connection is kept, the forward asked for again and again, and
// the stale session knocked at. Where another host may rightly have the port (host = any) it is a standby: the same, at
// ease, and nobody is knocked at. `ending`: ssh was told to end. `stopped` is final.
//
// Of several bastions each has a past and waits of its own. An attempt goes to the first that is due; one that fails
// passes to the next at once. While a later one carries the tunnel those before it are tried beside it, by a login that
// asks for the ports and lets them go; when that went well, the tunnel moves back (machine_bastions.cpp).
#pragma once

#include "core/failure.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "store/live_state.hpp"
#include "supervisor/machine/backoff.hpp"
#include "supervisor/machine/connection_limit.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::supervisor {

enum class Phase { idle, waiting, starting, opening, port_busy, verifying, up, ending, stopped };

enum class Timer { attempt, retry, probe, ask_again, kill, failback_probe };
inline constexpr std::size_t k_timers = 6;

/// Names one request, so that an answer that comes too late is told from the one that is waited for.
using RequestId = std::uint64_t;

// --- events: what happened

struct Started {};  ///< the supervisor begins
struct Adopted {    ///< it begins with the ssh of a former one, which runs and is logged in
  std::uint64_t reconnects = 0;
  std::size_t bastion = 0;
};
struct ChildFailedToStart {
  Diagnosis why;
};
struct ControlReady {};  ///< the control socket appeared: ssh is logged in
struct ChildExited {
  std::optional<Diagnosis> why;  ///< what ssh said; nothing when it said nothing
  ssh::ProcessEnd end = {};
};
struct ForwardAnswered {
  RequestId request = 0;
  enum class Kind { granted, refused, no_reply } kind = Kind::no_reply;
};
/// Who listens on the bastion's end of a forward that was refused.
struct PortHolderAnswered {
  RequestId request = 0;
  enum class Kind {
    held,  ///< somebody
    nobody,
    prohibited,  ///< the bastion forbids to look
    no_reply,
    silent,  ///< the bastion listens, and who it listens for says nothing: a close look alone tells
  } kind = Kind::no_reply;
  std::optional<Diagnosis> why = {};  ///< of silence
  bool lives = false;                 ///< it said something, or hung up: no dead session does either
};
struct KnockAnswered {
  bool gone = false;                  ///< no session of ours is in the way, or not any more
  std::optional<Diagnosis> why = {};  ///< what it means if the port is taken all the same
};
struct TakeoverAnswered {
  RequestId request = 0;
  bool freed = false;
  std::optional<Diagnosis> why = {};  ///< why not
};
/// The tunnel file was read again, and asks for nothing that needs another login.
struct ForwardsChanged {
  std::vector<std::optional<std::size_t>> from;  ///< for each forward as it shall be: which of the present ones it is
};
struct ForwardsClosed {  ///< the answer to ChangeForwards
  RequestId request = 0;
};
/// All forwards that were asked about together: the worst of them decides.
struct ProbeAnswered {
  RequestId request = 0;
  enum class Kind {
    verified,     ///< a byte came back from each target
    unproven,     ///< the bastion forbids the probe of at least one; the forwards stand
    target_down,  ///< the path is good, a target here is not
    lost,         ///< nothing listens on the bastion any more
    silent,       ///< no reply
  } kind = Kind::silent;
  std::vector<store::ForwardState> forwards;  ///< in the order of Probe::forwards
  std::optional<double> rtt_ms;
  std::optional<Diagnosis> why;
};
struct TimerFired {
  Timer timer;
};
struct NetworkGained {                                       ///< an address or a default route came
  enum class Way { same, elsewhere, lost } way = Way::same;  ///< of the connection under way: os::Way
};
struct Woke {};    ///< from suspend, or from being frozen
struct PathBack {  ///< the bastion's ssh port accepts connections again
  std::size_t bastion = 0;
};
struct PathRefused {  ///< its host resets them now: whoever waited for a turn waits for PathBack
  std::size_t bastion = 0;
};
struct PathBlocked {  ///< a look at it was rejected by ICMP, or two in a row heard nothing
  std::size_t bastion = 0;
  bool rejected = false;
};
struct FailbackProbeAnswered {
  std::size_t bastion = 0;
  std::optional<Diagnosis> why;  ///< nothing when it let us in and has the ports
};
struct ProbeRequested {};  ///< SIGUSR1: a person asks
struct Reloaded {          ///< the tunnel file was read again, and needs another login
  std::size_t forwards = 1;
  std::size_t bastions = 1;
  bool other_bastions = true;  ///< what is known of the present ones is not true of these
};
struct StopAsked {
  bool leave_child = false;  ///< an ssh that is logged in is for the next supervisor
};

using Event = std::variant<Started, Adopted, ChildFailedToStart, ControlReady, ChildExited, ForwardAnswered,
                           PortHolderAnswered, KnockAnswered, TakeoverAnswered, ForwardsChanged, ForwardsClosed,
                           ProbeAnswered, TimerFired, NetworkGained, Woke, PathBack, PathRefused, PathBlocked,
                           FailbackProbeAnswered, ProbeRequested, Reloaded, StopAsked>;

// --- actions: what is to be done

struct StartChild {
  std::size_t bastion = 0;
};
struct EndChild {
  bool by_force = false;  ///< SIGKILL in place of SIGTERM
};
struct OpenForward {
  RequestId request = 0;
  std::size_t forward = 0;
};
struct FindPortHolder {
  RequestId request = 0;
  std::size_t forward = 0;
  bool closely = false;  ///< wait for a word of who has it
};
struct Knock {
  std::size_t forward = 0;  ///< what it is to free
};
/// End our own former session by a command on the bastion, over the connection that we have.
struct TakeOver {
  RequestId request = 0;
  std::size_t forward = 0;  ///< what it is to free
};
/// The new forwards stand in place of the present ones from now on. Without a request there is no connection.
struct ChangeForwards {
  RequestId request = 0;
  std::vector<std::size_t> close;  ///< by their present numbers; the sessions through them live on
};
struct Probe {
  RequestId request = 0;
  std::vector<std::size_t> forwards;
  Milliseconds timeout{0};  ///< with an answer of the bastion's to one forward
};
struct SetTimer {
  Timer timer;
  Milliseconds wait{0};
};
struct CancelTimer {
  Timer timer;
};
struct WatchPath {
  bool on = false;
  bool gone = false;     ///< an attempt has just seen it closed; else the watch is to see that for itself
  bool refused = false;  ///< or ended by the bastion, whose host lives: others wait for its sshd as we do
  /// Where new connections are limited: how long until the first look, and then k_between_limited_probes each.
  Milliseconds first_look{0};
  std::size_t bastion = 0;
};
/// Keep over a restart: this bastion's firewall limits new connections; without a time, it does so no more.
struct NoteLimit {
  std::size_t bastion = 0;
  std::optional<TimePoint> no_login_before;
};
/// Log in there beside the ssh that carries the tunnel, ask for the ports, let them go.
struct StartFailbackProbe {
  std::size_t bastion = 0;
};
struct EndFailbackProbe {};
struct Quit {};

using Action = std::variant<StartChild, EndChild, OpenForward, FindPortHolder, Knock, TakeOver, ChangeForwards, Probe,
                            SetTimer, CancelTimer, WatchPath, NoteLimit, StartFailbackProbe, EndFailbackProbe, Quit>;
using Actions = std::vector<Action>;

/// What status shows of it.
struct View {
  store::TunnelState state = store::TunnelState::connecting;
  bool verified = false;
  std::size_t bastion = 0;  ///< that carries it, or was gone to last
  std::vector<store::ForwardState> forwards;
  std::optional<double> rtt_ms;
  std::uint64_t reconnects = 0;
  std::optional<TimePoint> next_attempt;
  std::optional<Diagnosis> last_error;
  std::uint64_t errors = 0;  ///< +1 with each last_error
  std::string reason;        ///< of the last change of state
};

inline constexpr Milliseconds k_attempt_limit = std::chrono::seconds(60);
inline constexpr Milliseconds k_kill_grace = std::chrono::seconds(3);
inline constexpr Milliseconds k_after_knock = Milliseconds(250);
inline constexpr Milliseconds k_target_recheck = std::chrono::seconds(10);

// A standby is to have the port within 15 s after its owner let go, and that much sooner that asking and verifying fit
// in. Each refusal leaves two lines in the bastion's log, so it asks no oftener than that takes; jittered, so that many
// hosts do not ask in step. Even tidings that something has changed do not make it ask oftener than once a second.
inline constexpr Milliseconds k_shortest_standby = std::chrono::seconds(9);
inline constexpr Milliseconds k_longest_standby = std::chrono::seconds(13);
inline constexpr Milliseconds k_between_asks = std::chrono::seconds(1);
/// How long a host that may stand by takes the port's holder for a session of its own that is not gone yet.
inline constexpr Milliseconds k_reclaim = std::chrono::minutes(2);

/// How long a later bastion carries the tunnel at the least, before a better one is tried; twice that for each time
/// that a move back did not last, up to the longest.
inline constexpr Milliseconds k_shortest_failback_delay = std::chrono::seconds(10);
inline constexpr Milliseconds k_longest_failback_delay = std::chrono::minutes(10);
/// A move back lasted when the tunnel was up this long.
inline constexpr Milliseconds k_settled = std::chrono::minutes(10);
/// Between trials of one bastion that go wrong; a watch of its path can hasten one.
inline constexpr Milliseconds k_longest_between_failback_probes = std::chrono::minutes(5);
/// A port that stays taken for this long sends the tunnel to the next bastion, where there is one.
inline constexpr Milliseconds k_port_conflict_here = std::chrono::seconds(30);

/// How long a probe waits for an answer.
inline constexpr Milliseconds k_probe_timeout = std::chrono::seconds(3);
/// A target whose name is being resolved needs more: a resolver gives up after 5 s a server, resolv.conf(5).
inline constexpr Milliseconds k_long_probe_timeout = std::chrono::seconds(9);
/// Whoever was suspended is by far likelier to find a dead connection than a slow one: it has four round trips as last
/// measured, and time for TCP to send one lost packet again (after 200 ms at least: TCP_RTO_MIN of Linux).
inline constexpr Milliseconds k_short_probe_timeout = std::chrono::milliseconds(400);
/// The same where no round trip was measured yet.
inline constexpr Milliseconds k_unmeasured_probe_timeout = std::chrono::seconds(1);

/// How long a knock has for its work before a command on the bastion is thought of.
inline constexpr Milliseconds k_before_takeover = std::chrono::seconds(5);
inline constexpr Milliseconds k_between_takeovers = std::chrono::minutes(2);

struct Rules {
  std::size_t forwards = 1;
  std::size_t bastions = 1;
  std::chrono::seconds probe_interval{60};
  bool standby = false;         ///< host = any: a taken port means that another host has the tunnel
  bool takeover = false;        ///< a stale session may be ended by a command on the bastion
  bool target_by_name = false;  ///< ssh resolves a target's name in its only thread: silence may be a slow resolver
  /// By bastion: a former run held the forwards there, so a refusal is our stale session, not a prohibition.
  std::vector<bool> previously_held = {};
  /// By bastion: a former run found that new connections are limited there (connection_limit.hpp).
  std::vector<std::optional<TimePoint>> no_login_before = {};
  /// Words for a class that the machine finds by itself; `forward`: the one it is about. Pure.
  std::function<Diagnosis(FailureClass, std::optional<std::size_t> forward)> explain;
  /// How we keep apart from all who lost that bastion with us.
  std::function<RetrySpread(std::size_t bastion)> spread = {};
};

class Machine {
 public:
  explicit Machine(Rules rules);

  /// `chance` in [0, 1) is used where a wait is jittered.
  [[nodiscard]] Actions on(const Event& event, TimePoint now, double chance);

  [[nodiscard]] const View& view() const noexcept { return view_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// With a ChangeForwards, or the StartChild that follows a Reloaded.
  void set_rules(Rules rules);

 private:
  void handle(const Started&);
  void handle(const Adopted&);
  void handle(const ChildFailedToStart&);
  void handle(const ControlReady&);
  void handle(const ChildExited&);
  void handle(const ForwardAnswered&);
  void handle(const PortHolderAnswered&);
  void handle(const KnockAnswered&);
  void handle(const TakeoverAnswered&);
  void handle(const ForwardsChanged&);
  void handle(const ForwardsClosed&);
  void handle(const ProbeAnswered&);
  void handle(const TimerFired&);
  void handle(const NetworkGained& event);
  void handle(const Woke&);
  void handle(const PathBack&);
  void handle(const PathRefused&);
  void handle(const PathBlocked&);
  void handle(const FailbackProbeAnswered&);
  void handle(const ProbeRequested&);
  void handle(const Reloaded&);
  void handle(const StopAsked&);

  void begin_attempt(std::size_t bastion);
  void restart_attempt();
  void look_now();
  void ask_again();
  void ask_for(std::size_t forward);
  void ask_for_next_forward();
  void on_refusal();
  void skip_forward(store::ForwardState state);
  void port_conflict();
  void begin_port_conflict();
  void turn_to_next_refused();
  void look_at_open_ones();
  void apply_change();
  void stand_by();
  void look_at_owner(const PortHolderAnswered& answer);
  void mark_forward_denied();
  void begin_probe();
  void become_up(const ProbeAnswered& answer);
  void target_is_down(const ProbeAnswered& answer);
  void on_silence();
  void give_up(Diagnosis why);
  void end_child();
  void wait_for_retry(DropScope drop_scope);
  void note_failure(std::size_t bastion, FailureClass failure, Milliseconds wait);
  void plan_failback_probe();
  void begin_failback_probe();
  void end_failback_probe();
  void move_back_to(std::size_t bastion);
  void set_port_held(bool held);
  void note_login(std::size_t bastion);
  void note_limit(std::size_t bastion);
  void lift_limit(std::size_t bastion);
  void wait_out_limit();
  void retry_early();
  void stop();
  void leave();

  void show(store::TunnelState state, std::string reason);
  void set(Timer timer, Milliseconds wait);
  void cancel(Timer timer);
  void cancel_all();
  void watch_path(WatchPath watch);
  void leave_paths(std::size_t from);
  void forget_requests();
  void mark_all(store::ForwardState state);
  void remember(Diagnosis why);
  [[nodiscard]] bool is_answer(RequestId request) const noexcept { return request != 0 && request == awaited_; }
  [[nodiscard]] RequestId new_request() { return awaited_ = ++last_request_; }
  [[nodiscard]] bool has_child() const noexcept;
  [[nodiscard]] bool is_logged_in() const noexcept;
  [[nodiscard]] Milliseconds probe_wait() const;
  [[nodiscard]] Milliseconds timeout() const;
  [[nodiscard]] Milliseconds soon_probe_wait() const;
  [[nodiscard]] Milliseconds ask_again_wait() const;
  [[nodiscard]] Milliseconds standby_wait() const;
  [[nodiscard]] std::size_t first_due() const;
  [[nodiscard]] bool may_be_watched(std::size_t bastion) const;
  [[nodiscard]] bool previously_held() const;
  [[nodiscard]] RetrySpread spread(std::size_t bastion) const;
  [[nodiscard]] Backoff& backoff() { return bastions_[view_.bastion].backoff; }
  [[nodiscard]] bool is_own_stale() const;
  [[nodiscard]] bool is_takeover_due() const;
  [[nodiscard]] bool may_ask_early() const;
  [[nodiscard]] bool is_any_open() const;
  [[nodiscard]] bool is_all_denied() const;
  [[nodiscard]] bool was_healthy() const;

  Rules rules_;
  Phase phase_ = Phase::idle;
  View view_;

  /// What is known of a bastion.
  struct BastionState {
    Backoff backoff;
    TimePoint due;                      ///< before that it is not gone to
    Urgency urgency = Urgency::steady;  ///< of its last failure
    Milliseconds between_failback_probes{0};
    ConnectionLimit limit = {};
  };
  std::vector<BastionState> bastions_;
  std::size_t next_ = 0;                       ///< the one that the retry timer is for
  std::optional<std::size_t> failback_probe_;  ///< under way
  Milliseconds failback_delay_ = k_shortest_failback_delay;
  std::optional<std::size_t> moving_to_;

  // of the event under way
  TimePoint now_;
  double chance_ = 0;
  Actions actions_;

  RequestId last_request_ = 0;
  RequestId awaited_ = 0;         ///< 0: no answer is waited for
  std::size_t next_forward_ = 0;  ///< the one asked for in opening and contested
  std::vector<bool> open_;        ///< granted over this connection
  std::vector<bool> refused_;     ///< asked for over this connection, and not to be had yet
  std::vector<std::size_t> probed_;
  std::optional<ForwardsChanged> change_;  ///< waits for the answer under way
  int silences_ = 0;                       ///< in a row, of probes or forward requests
  int nobody_answers_ = 0;                 ///< refusals though nothing listens there
  bool kill_sent_ = false;
  bool was_verified_ = false;  ///< this run of ssh was up
  bool woke_ = false;          ///< since the last answer
  bool stopping_ = false;
  bool reloading_ = false;
  bool restarting_ = false;      ///< ending only to begin anew at once
  bool knocking_ = false;        ///< in this contest at least one knock was made
  bool stale_gone_ = false;      ///< in this contest: no session of ours is in the way
  bool looked_closely_ = false;  ///< in this contest
  std::optional<Diagnosis> stale_port_diagnosis_;
  std::optional<TimePoint> took_over_;  ///< in this contest: when a takeover was last thought of
  int owner_silences_ = 0;              ///< in a row, of the host that we stand by for
  std::optional<Diagnosis> cause_;      ///< why the child is being ended
  TimePoint attempt_began_;
  TimePoint up_since_;
  TimePoint port_busy_since_;
  TimePoint asked_at_;   ///< for a forward
  TimePoint looked_at_;  ///< at the port's owner
};

[[nodiscard]] std::string_view to_text(Phase phase) noexcept;

}  // namespace holdfast::supervisor
