#include "cli/output/watch.hpp"

#include "cli/interruption.hpp"
#include "cli/output/screen.hpp"

#include <chrono>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds k_look{1000};
constexpr milliseconds k_whole_look{15000};
/// Where supervisors come and go without end, backends are still not asked each second.
constexpr milliseconds k_between_whole_looks{3000};

/// Knows when a look is to be a whole one.
class Looks {
 public:
  Looks(const Watched& watched, const os::Host& host) : watched_(watched), host_(host) {}

  Result<> look() {
    const auto since = host_.now() - whole_at_;
    const bool whole = first_ || since >= k_whole_look || (wanted_ && since >= k_between_whole_looks);
    if (whole) return whole_look();
    HOLDFAST_CHECK(watched_.look(false));
    wanted_ = wanted_ || watched_.needs_whole();
    if (wanted_ && since >= k_between_whole_looks) return whole_look();
    return {};
  }

 private:
  Result<> whole_look() {
    first_ = false;
    wanted_ = false;
    auto looked = watched_.look(true);
    whole_at_ = host_.now();
    return looked;
  }

  const Watched& watched_;
  const os::Host& host_;
  Clock::time_point whole_at_;
  bool first_ = true;
  bool wanted_ = false;
};

Result<ExitStatus> watch_in_place(Context& context, const Watched& watched) {
  Looks looks(watched, context.host);
  HOLDFAST_CHECK(looks.look());  // what is wrong with the command line is said on the screen that stays
  const Interruption guard;
  Screen screen;
  for (;;) {
    if (!screen.draw(watched.heading() + "\n\n" + watched.text())) return ExitStatus::done;
    char key = 0;
    const auto end = context.host.now() + k_look;
    for (auto woken = Screen::Woken::key; woken == Screen::Woken::key;) {
      const auto left = std::chrono::ceil<milliseconds>(end - context.host.now());
      if (left <= milliseconds{0}) break;
      woken = screen.wait(left, key);
      if (woken == Screen::Woken::interrupted) return ExitStatus::interrupted;
      if (woken == Screen::Woken::gone) return ExitStatus::done;
      if (woken == Screen::Woken::key && (key == 'q' || key == 'Q')) return watched.status();
    }
    HOLDFAST_CHECK(looks.look());
  }
}

Result<ExitStatus> watch_in_lines(Context& context, const Watched& watched) {
  Looks looks(watched, context.host);
  const Interruption guard;
  std::string shown;
  for (bool first = true;; first = false) {
    HOLDFAST_CHECK(looks.look());
    if (auto identity = watched.identity(); first || identity != shown) {
      context.terminal.answer(watched.text());
      if (!context.terminal.flush()) return ExitStatus::done;
      shown = std::move(identity);
    }
    const auto end = context.host.now() + k_look;
    while (context.host.now() < end) {
      if (Interruption::is_requested()) return ExitStatus::interrupted;
      if (!Terminal::is_read()) return ExitStatus::done;
      context.host.sleep_for(std::chrono::ceil<milliseconds>(end - context.host.now()));
    }
  }
}

}  // namespace

Result<ExitStatus> watch(Context& context, const Watched& watched, bool in_place) {
  return in_place ? watch_in_place(context, watched) : watch_in_lines(context, watched);
}

}  // namespace holdfast::cli
