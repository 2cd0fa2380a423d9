#include "supervisor/supervisor_lock.hpp"

#include "store/hand_over.hpp"

#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_hand_over_poll{10};  // short: during a hand-over the port is closed meanwhile
constexpr milliseconds k_poll{1000};
constexpr milliseconds k_reread_interval{1000};  // of the hand-over note; feeds the watchdog, too

Error busy(const TunnelName& name) {
  return Error{"running", name.text(), "another supervisor runs it on this host", "holdfast status " + name.text()};
}

class LockWait {
 public:
  LockWait(const TunnelName& name, const store::Paths& paths, const store::RuntimeFiles& files,
           const ServiceManager& manager, os::Host& host)
      : name_(name), paths_(paths), files_(files), manager_(manager), host_(host) {}

  Result<SupervisorLock> acquire() {
    read_note();
    if (under_way_) HOLDFAST_CHECK(queue());
    for (;;) {
      HOLDFAST_TRY(const bool acquired, try_locks());
      if (acquired) break;
      if (!under_way_ && !manager_.is_there()) return busy(name_);
      if (!next_) HOLDFAST_CHECK(queue());
      host_.sleep_for(under_way_ ? k_hand_over_poll : k_poll);
      if (host_.now() >= reread_at_) read_note();
    }
    if (next_) (void)host_.remove_file(files_.next);  // while this process holds it
    SupervisorLock lock{std::move(*lock_)};
    if (is_elsewhere()) lock.left = store::runtime_files(name_, note_->runtime_dir);
    return lock;
  }

 private:
  void read_note() {
    note_ = store::read_hand_over(host_, paths_, name_);
    under_way_ = store::is_under_way(note_, host_);
    manager_.alive();
    reread_at_ = host_.now() + k_reread_interval;
  }

  /// Shows the command that hands the tunnel over that its successor is there.
  Result<> queue() {
    HOLDFAST_TRY(next_, os::FileLock::try_take(files_.next));
    if (!next_) return busy(name_);
    manager_.ready();
    manager_.status("waiting for the other supervisor of this tunnel to end");
    return {};
  }

  [[nodiscard]] bool is_elsewhere() const { return note_ && note_->runtime_dir != files_.directory; }

  Result<bool> try_locks() {
    if (!lock_) {
      HOLDFAST_TRY(lock_, os::FileLock::try_take(files_.lock));
    }
    if (!lock_) return false;
    return !is_elsewhere() || !host_.is_locked(store::runtime_files(name_, note_->runtime_dir).lock);
  }

  const TunnelName& name_;
  const store::Paths& paths_;
  const store::RuntimeFiles& files_;
  const ServiceManager& manager_;
  os::Host& host_;
  std::optional<store::HandOver> note_;
  bool under_way_ = false;
  std::chrono::steady_clock::time_point reread_at_;
  std::optional<os::FileLock> next_;
  std::optional<os::FileLock> lock_;
};

}  // namespace

Result<SupervisorLock> acquire_supervisor_lock(const TunnelName& name, const store::Paths& paths,
                                               const store::RuntimeFiles& files, const ServiceManager& manager,
                                               os::Host& host) {
  return LockWait(name, paths, files, manager, host).acquire();
}

}  // namespace holdfast::supervisor
