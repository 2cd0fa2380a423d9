// Full-screen output: redraws in place, reads single keys, and restores the terminal in the end.
#pragma once

#include <termios.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// Only one may exist at a time. Ctrl-Z restores the terminal before it stops the process, which redraws when it
/// continues. Interruption handles Ctrl-C.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  struct Size {
    std::size_t columns = 80;
    std::size_t rows = 24;
  };
  [[nodiscard]] static Size size();

  /// Overwrites the screen with `text` in one write, without clearing it first, which would flicker. Long lines are
  /// cut; if there are too many lines, the last row says how many. False when the terminal is gone.
  [[nodiscard]] bool draw(std::string_view text) const;

  enum class Event { timeout, key, resized, interrupted, gone };
  /// Waits for an event, at most `timeout`. `key` is set by Event::key.
  [[nodiscard]] Event wait(std::chrono::milliseconds timeout, char& key);

 private:
  void enter();
  void leave() const;
  void stop();

  bool reads_keys_ = false;
  std::optional<termios> previous_;  ///< nothing when standard input is no terminal
  struct sigaction previous_resize_ {};
  struct sigaction previous_stop_ {};
  struct sigaction previous_continue_ {};
};

/// The part of `text` that fits on the screen.
[[nodiscard]] std::string fitted(std::string_view text, Screen::Size size);

}  // namespace holdfast::cli
