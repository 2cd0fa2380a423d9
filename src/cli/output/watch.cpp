#include "cli/output/watch.hpp"

#include "cli/interruption.hpp"
#include "cli/output/screen.hpp"
#include "cli/output/text_layout.hpp"

#include <chrono>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds k_refresh_interval{1000};
constexpr milliseconds k_read_interval{15000};
/// Even when supervisors come and go all the time.
constexpr milliseconds k_shortest_read_interval{3000};

/// Chooses between refresh() and read().
class Updates {
 public:
  Updates(const Watched& watched, const os::Host& host) : watched_(watched), host_(host) {}

  Result<> update() {
    const auto age = host_.now() - read_at_;
    if (first_ || age >= k_read_interval) return read();
    watched_.refresh();
    outdated_ = outdated_ || watched_.is_outdated();
    if (outdated_ && age >= k_shortest_read_interval) return read();
    return {};
  }

 private:
  Result<> read() {
    first_ = false;
    outdated_ = false;
    auto done = watched_.read();
    read_at_ = host_.now();
    return done;
  }

  const Watched& watched_;
  const os::Host& host_;
  Clock::time_point read_at_;
  bool first_ = true;
  bool outdated_ = false;
};

Result<ExitStatus> watch_in_place(Context& context, const Watched& watched) {
  Updates updates(watched, context.host);
  HOLDFAST_CHECK(updates.update());  // before the screen is entered, so that an error stays visible
  const Interruption guard;
  Screen screen;
  for (;;) {
    const auto shown = without_controls(watched.heading() + "\n\n" + watched.text());
    if (!screen.draw(shown)) return ExitStatus::done;
    char key = 0;
    const auto end = context.host.now() + k_refresh_interval;
    for (auto event = Screen::Event::key; event == Screen::Event::key;) {
      const auto left = std::chrono::ceil<milliseconds>(end - context.host.now());
      if (left <= milliseconds{0}) break;
      event = screen.wait(left, key);
      if (event == Screen::Event::interrupted) return ExitStatus::interrupted;
      if (event == Screen::Event::gone) return ExitStatus::done;
      if (event == Screen::Event::key && (key == 'q' || key == 'Q')) return watched.status();
    }
    HOLDFAST_CHECK(updates.update());
  }
}

Result<ExitStatus> watch_in_lines(Context& context, const Watched& watched) {
  Updates updates(watched, context.host);
  const Interruption guard;
  std::string shown;
  for (bool first = true;; first = false) {
    HOLDFAST_CHECK(updates.update());
    if (auto fingerprint = watched.fingerprint(); first || fingerprint != shown) {
      context.terminal.answer(watched.text());
      if (!context.terminal.flush()) return ExitStatus::done;
      shown = std::move(fingerprint);
    }
    const auto end = context.host.now() + k_refresh_interval;
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
