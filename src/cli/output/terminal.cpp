#include "cli/output/terminal.hpp"

#include "cli/output/text_layout.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace holdfast::cli {
namespace {

const char* code_of(Style style) {
  switch (style) {
    case Style::bold:
      return "1";
    case Style::dim:
      return "2";
    case Style::green:
      return "32";
    case Style::yellow:
      return "33";
    case Style::red:
      return "31";
    case Style::plain:
      break;
  }
  return "0";
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// locale(7): the first of these that is set decides.
bool is_utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const auto value = variable(name); !value.empty())
      return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
  return false;
}

/// False on failure; errno says why.
bool put(std::FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size();
}

/// Nothing when the terminal does not know its size.
std::optional<std::size_t> width_of(int terminal) {
  winsize size{};
  if (::ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

/// The lines with `first` before the first one and as many spaces before each other one.
std::string with_indent(const std::string& first, const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? first : "\n" + std::string(first.size(), ' ')) + line;
  return text;
}

}  // namespace

std::string paint(Style style, std::string_view text, bool colour) {
  if (!colour || style == Style::plain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code_of(style), text);
}

std::string time_text(WallTime time, const Drawing& drawing) {
  if (!drawing.width) return to_rfc3339(time);
  const auto seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm local{};
  std::array<char, 64> buffer{};
  if (::localtime_r(&seconds, &local) == nullptr ||
      std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S %Z", &local) == 0)
    return to_rfc3339(time);
  return buffer.data();
}

std::string log_line_text(std::string_view line, const Drawing& drawing) {
  const auto stamp = line.substr(0, line.find(' '));
  const auto time = from_rfc3339(stamp);
  if (!time) return std::string(line);
  return time_text(*time, drawing) + std::string(line.substr(stamp.size()));
}

std::string error_text(const Error& error, std::optional<std::size_t> width) {
  constexpr auto k_unlimited = static_cast<std::size_t>(-1);
  constexpr std::size_t k_narrowest = 20;
  const std::string prefix = "holdfast: ";
  const std::string hint_prefix = "  hint: ";
  const auto columns = width ? std::max(*width, k_narrowest) - prefix.size() : k_unlimited;
  auto text = width ? with_indent(prefix, wrapped(error.line(), columns)) : prefix + error.line();
  if (error.hint.empty()) return text;
  const auto hint = printable(error.hint);
  return text + "\n" + (width ? with_indent(hint_prefix, wrapped_hint(hint, columns)) : hint_prefix + hint);
}

Terminal Terminal::of_process() {
  Traits traits;
  traits.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  traits.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  traits.capable = variable("TERM") != "dumb" && !variable("TERM").empty();
  traits.colour = variable("NO_COLOR").empty() && traits.capable;
  traits.utf8 = is_utf8_locale();
  return Terminal(traits);
}

void Terminal::answer(std::string_view text) {
  to_stdout(traits_.out_is_terminal ? without_controls(text) : std::string(text));
  if (text.empty() || text.back() != '\n') to_stdout("\n");
}

void Terminal::to_stdout(std::string_view text) {
  if (!put(stdout, text)) reader_has_gone_ = errno == EPIPE;
}

Drawing Terminal::drawing() const {
  constexpr std::size_t k_usual_width = 80;
  Drawing drawing{colours_out(), traits_.utf8};
  if (traits_.out_is_terminal) drawing.width = width_of(STDOUT_FILENO).value_or(k_usual_width);
  return drawing;
}

std::optional<std::size_t> Terminal::err_width() const {
  return traits_.err_is_terminal ? width_of(STDERR_FILENO) : std::nullopt;
}

void Terminal::to_stderr(std::string_view text) {
  // In one write, because several holdfasts may share a terminal or a log.
  const auto whole = without_controls(text) + '\n';
  (void)put(stderr, whole);
}

void Terminal::note(std::string_view line) {
  if (!quiet_) to_stderr(line);
}

void Terminal::detail(std::string_view line) {
  if (verbose_) to_stderr(paint(Style::dim, line, traits_.colour && traits_.err_is_terminal));
}

void Terminal::warn(std::string_view line) {
  const Error warning{"", "warning", std::string(line)};
  to_stderr(error_text(warning, err_width()));
}

void Terminal::print_step(Style style, std::string_view mark, std::string_view prefix, std::string_view step,
                          std::string_view figure) {
  if (quiet_) return;
  const auto text = printable(step);
  const auto detail = printable(figure);
  if (!traits_.err_is_terminal) {
    to_stderr(fmt::format("{}{}{}{}", prefix, text, detail.empty() ? "" : ": ", detail));
    return;
  }
  const bool colour = traits_.colour;
  to_stderr(fmt::format("{} {}{}{}", paint(style, mark, colour), text, detail.empty() ? "" : "  ",
                        paint(Style::dim, detail, colour)));
}

void Terminal::step_done(std::string_view step, std::string_view figure) {
  print_step(Style::green, traits_.utf8 ? "✓" : "ok", "", step, figure);
}

void Terminal::step_warned(std::string_view step, std::string_view reason) {
  print_step(Style::yellow, "!", "warning: ", step, reason);
}

void Terminal::step_failed(std::string_view step) {
  print_step(Style::red, traits_.utf8 ? "✗" : "failed:", "failed: ", step, "");
}

void Terminal::error(const Error& error) { to_stderr(error_text(error, err_width())); }

bool Terminal::flush() {
  if (std::fflush(stdout) == 0) return std::ferror(stdout) == 0;
  reader_has_gone_ = errno == EPIPE;
  return false;
}

bool Terminal::is_read() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) <= 0 || (out.revents & (POLLERR | POLLNVAL)) == 0;
}

}  // namespace holdfast::cli
