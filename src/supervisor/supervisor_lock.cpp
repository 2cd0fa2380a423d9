#include "supervisor/supervisor_lock.hpp"

#include "store/hand_over.hpp"

#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_poll{10};  // while a command hands the tunnel over: each is a moment without the port
constexpr milliseconds k_patient_poll{1000};
constexpr milliseconds k_look_again{1000};  // at the note of the hand-over, and to the watchdog

Error busy(const TunnelName& name) {
  return Error{"running", name.text(), "another supervisor of it is running on this host",
               "holdfast status " + name.text()};
}

class LockWait {
 public:
  LockWait(const TunnelName& name, const store::Paths& paths, const store::RuntimeFiles& files,
           const ServiceManager& manager, os::Host& host)
      : name_(name), paths_(paths), files_(files), manager_(manager), host_(host) {}

  Result<SupervisorLock> take() {
    look();
    if (under_way_) HOLDFAST_CHECK(queue());
    for (;;) {
      HOLDFAST_TRY(const bool taken, try_locks());
      if (taken) break;
      if (!under_way_ && !manager_.is_there()) return busy(name_);
      if (!next_) HOLDFAST_CHECK(queue());
      host_.sleep_for(under_way_ ? k_poll : k_patient_poll);
      if (host_.now() >= look_at_) look();
    }
    if (next_) (void)host_.remove_file(files_.next);  // while it is held
    SupervisorLock turn{std::move(*lock_)};
    if (is_elsewhere()) turn.left = store::runtime_files(name_, note_->runtime_dir);
    return turn;
  }

 private:
  void look() {
    note_ = store::read_hand_over(host_, paths_, name_);
    under_way_ = store::is_under_way(note_, host_);
    manager_.alive();
    look_at_ = host_.now() + k_look_again;
  }

  /// From here on whoever hands over knows that we are there.
  Result<> queue() {
    HOLDFAST_TRY(next_, os::FileLock::try_take(files_.next));
    if (!next_) return busy(name_);
    manager_.ready();
    manager_.status("waiting until the supervisor that holds the tunnel has ended");
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
  std::chrono::steady_clock::time_point look_at_;
  std::optional<os::FileLock> next_;
  std::optional<os::FileLock> lock_;
};

}  // namespace

Result<SupervisorLock> acquire_supervisor_lock(const TunnelName& name, const store::Paths& paths,
                                               const store::RuntimeFiles& files, const ServiceManager& manager,
                                               os::Host& host) {
  return LockWait(name, paths, files, manager, host).take();
}

}  // namespace holdfast::supervisor
