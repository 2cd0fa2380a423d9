// A terminal taken over for a while: drawn in place, keys read one by one, given back as it was, whatever ends it.
#pragma once

#include <termios.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// One at a time. Ctrl-Z gives the terminal back before it stops the process, and takes it again when that goes on.
/// Ctrl-C and its like are Interruption's.
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

  /// Puts the lines of `text` in place of what is there, in one write and without clearing first: nothing flickers. A
  /// line that is too long is cut; where there are too many, the last row says how many more. False when the terminal
  /// is gone.
  [[nodiscard]] bool draw(std::string_view text) const;

  enum class Woken { time, key, resized, interrupted, gone };
  /// Until something happens, `timeout` at most. The key is in `key`.
  [[nodiscard]] Woken wait(std::chrono::milliseconds timeout, char& key);

 private:
  void enter();
  void leave() const;
  void stop();

  bool reads_keys_ = false;
  std::optional<termios> previous_;  ///< nothing where standard input is no terminal
  struct sigaction previous_resize_ {};
  struct sigaction previous_stop_ {};
  struct sigaction previous_continue_ {};
};

/// What fits into the size of the screen.
[[nodiscard]] std::string fitted(std::string_view text, Screen::Size size);

}  // namespace holdfast::cli
