// Whether many tunnels share a bastion, as far as this tunnel has found out. The first login after a shared loss comes
// almost at once. If sshd drops it (MaxStartups), there is a crowd, and later logins take their slots of 6 s.
// Pure: time is an argument. One object for each bastion of a tunnel.
#pragma once

#include "supervisor/machine/backoff.hpp"

namespace holdfast::supervisor {

/// A crowd is forgotten after so long without another drop: the other tunnels may be gone.
inline constexpr Milliseconds k_crowd_memory = std::chrono::days(30);

class Crowd {
 public:
  /// An earlier run found a crowd.
  void restore(TimePoint forgotten_at) noexcept {
    if (!forgotten_at_ || *forgotten_at_ < forgotten_at) forgotten_at_ = forgotten_at;
  }

  /// A bastion of this tunnel closed established connections: other tunnels may log in at the same moment.
  void on_shared_drop() noexcept {
    if (stage_ == Stage::none) stage_ = Stage::lost;
  }
  /// sshd does not listen: it returns to all tunnels at the same moment.
  void on_refused() noexcept { stage_ = Stage::returning; }
  /// The bastion closed a connection before the login. True: this was a drop, and a crowd is known.
  [[nodiscard]] bool on_closed(TimePoint now);
  /// True: the login before this one was a drop, and a crowd is known.
  [[nodiscard]] bool on_login(TimePoint now);

  [[nodiscard]] bool is_known(TimePoint now) const noexcept { return forgotten_at_ && now < *forgotten_at_; }
  /// The next login follows a moment that all tunnels saw, and none of its kind has failed yet.
  [[nodiscard]] bool is_first_login() const noexcept { return stage_ == Stage::lost || stage_ == Stage::returning; }

 private:
  enum class Stage {
    none,
    lost,       ///< The other tunnels lost a bastion, too. No refusal since.
    suspected,  ///< Then a login was closed. A bastion that shuts down does that, too, but then it refuses.
    returning,  ///< sshd refused connections. No login since.
  };
  bool note(TimePoint now) noexcept {
    forgotten_at_ = now + k_crowd_memory;
    return true;
  }

  Stage stage_ = Stage::none;
  std::optional<TimePoint> forgotten_at_;
};

}  // namespace holdfast::supervisor
