#include "cli/output/terminal.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

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

/// False when it was not taken; errno says why.
bool put(std::FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size();
}

}  // namespace

std::string paint(Style style, std::string_view text, bool colour) {
  if (!colour || style == Style::plain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code_of(style), text);
}

std::string error_text(const Error& error) {
  std::string text = "holdfast: " + error.line();
  if (!error.hint.empty()) text += "\n  hint: " + printable(error.hint);
  return text;
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
  to_stdout(text);
  if (text.empty() || text.back() != '\n') to_stdout("\n");
}

void Terminal::to_stdout(std::string_view text) {
  if (!put(stdout, text)) reader_has_gone_ = errno == EPIPE;
}

void Terminal::to_stderr(std::string_view line) {
  // One write a line: several holdfasts may share a terminal or a log.
  std::string whole(line);
  whole += '\n';
  (void)put(stderr, whole);
}

void Terminal::note(std::string_view line) {
  if (!quiet_) to_stderr(line);
}

void Terminal::detail(std::string_view line) {
  if (verbose_) to_stderr(paint(Style::dim, line, traits_.colour && traits_.err_is_terminal));
}

void Terminal::warn(std::string_view line) { to_stderr(fmt::format("holdfast: warning: {}", printable(line))); }

void Terminal::step(Style style, std::string_view mark, std::string_view word, std::string_view what,
                    std::string_view figure) {
  if (quiet_) return;
  const auto text = printable(what);
  const auto detail = printable(figure);
  if (!traits_.err_is_terminal) {
    to_stderr(fmt::format("{}{}{}{}", word, text, detail.empty() ? "" : ": ", detail));
    return;
  }
  const bool colour = traits_.colour;
  to_stderr(fmt::format("{} {}{}{}", paint(style, mark, colour), text, detail.empty() ? "" : "  ",
                        paint(Style::dim, detail, colour)));
}

void Terminal::step_done(std::string_view what, std::string_view figure) {
  step(Style::green, traits_.utf8 ? "✓" : "ok", "", what, figure);
}

void Terminal::step_warned(std::string_view what, std::string_view reason) {
  step(Style::yellow, "!", "warning: ", what, reason);
}

void Terminal::step_failed(std::string_view what) {
  step(Style::red, traits_.utf8 ? "✗" : "failed:", "failed: ", what, "");
}

void Terminal::error(const Error& error) { to_stderr(error_text(error)); }

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
