#include "cli/output/screen.hpp"

#include "cli/interruption.hpp"
#include "cli/output/text_layout.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace holdfast::cli {
namespace {

// console_codes(4) and private modes of xterm. The alternate screen preserves the shell's output.
constexpr std::string_view k_enter = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
constexpr std::string_view k_leave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view k_end_of_line = "\x1b[K\r\n";
constexpr std::string_view k_below = "\x1b[K\x1b[J";

volatile std::sig_atomic_t resized = 0;
volatile std::sig_atomic_t stop_requested = 0;
volatile std::sig_atomic_t continued = 0;

extern "C" void remember_screen_signal(int number) {
  if (number == SIGWINCH) resized = 1;
  if (number == SIGTSTP) stop_requested = 1;
  if (number == SIGCONT) continued = 1;
}

bool put(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void handle_signal(int number, struct sigaction& previous) {
  struct sigaction action {};
  action.sa_handler = remember_screen_signal;
  sigemptyset(&action.sa_mask);  // no SA_RESTART: the signal must end a wait
  ::sigaction(number, &action, &previous);
}

}  // namespace

Screen::Screen() {
  resized = 0;
  stop_requested = 0;
  continued = 0;
  termios now{};
  if (::tcgetattr(STDIN_FILENO, &now) == 0) previous_ = now;
  reads_keys_ = previous_.has_value();
  handle_signal(SIGWINCH, previous_resize_);
  handle_signal(SIGTSTP, previous_stop_);
  handle_signal(SIGCONT, previous_continue_);
  enter();
}

Screen::~Screen() {
  leave();
  ::sigaction(SIGWINCH, &previous_resize_, nullptr);
  ::sigaction(SIGTSTP, &previous_stop_, nullptr);
  ::sigaction(SIGCONT, &previous_continue_, nullptr);
}

void Screen::enter() {
  if (previous_) {
    termios raw = *previous_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // ISIG stays: Ctrl-C and Ctrl-Z are signals
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  (void)put(k_enter);
}

void Screen::leave() const {
  (void)put(k_leave);
  if (previous_) (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &*previous_);
}

void Screen::stop() {
  leave();
  struct sigaction ours {};
  ::sigaction(SIGTSTP, &previous_stop_, &ours);
  (void)::raise(SIGTSTP);  // returns after SIGCONT
  ::sigaction(SIGTSTP, &ours, nullptr);
  continued = 0;
  enter();
}

Screen::Size Screen::size() {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

bool Screen::draw(std::string_view text) const { return put("\x1b[H" + fitted(text, size()) + std::string(k_below)); }

Screen::Event Screen::wait(std::chrono::milliseconds timeout, char& key) {
  std::array<pollfd, 2> watched{{{STDOUT_FILENO, 0, 0}, {STDIN_FILENO, POLLIN, 0}}};
  const int ready = ::poll(watched.data(), reads_keys_ ? 2 : 1, static_cast<int>(timeout.count()));
  if (Interruption::is_requested()) return Event::interrupted;
  if (stop_requested != 0) {
    stop_requested = 0;
    stop();
    return Event::resized;
  }
  if (continued != 0) {  // after SIGSTOP: the shell has used the terminal
    continued = 0;
    enter();
    return Event::resized;
  }
  if (resized != 0) {
    resized = 0;
    return Event::resized;
  }
  if (ready <= 0) return Event::timeout;
  if ((watched[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return Event::gone;
  if (reads_keys_ && watched[1].revents != 0) {
    if (::read(STDIN_FILENO, &key, 1) == 1) return Event::key;
    reads_keys_ = false;  // end of input
  }
  return Event::timeout;
}

std::string fitted(std::string_view text, Screen::Size size) {
  auto lines = split(text, '\n');
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() > size.rows) {
    const auto more = lines.size() - size.rows + 1;
    lines.resize(size.rows - 1);
    lines.push_back(fmt::format("{} more lines", more));
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += k_end_of_line;
    out += clipped(lines[i], size.columns);
  }
  return out;
}

}  // namespace holdfast::cli
