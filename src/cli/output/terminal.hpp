// Output: the answer on stdout, everything else on stderr; colour and wrapping only on a terminal.
#pragma once

#include "core/error.hpp"
#include "core/timestamp.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

enum class Style { plain, bold, dim, green, yellow, red };

/// `text` with the escape sequences of `style` around it, if `colour`.
[[nodiscard]] std::string paint(Style style, std::string_view text, bool colour);

/// How text is drawn.
struct Drawing {
  bool colour = false;
  bool utf8 = false;                      ///< else ASCII only
  std::optional<std::size_t> width = {};  ///< columns of the terminal; nothing for a pipe or file
};

/// On a terminal local time, "2026-11-22 11:00:00 CET"; else RFC 3339 in UTC.
[[nodiscard]] std::string time_text(WallTime time, const Drawing& drawing);

/// A line of a tunnel's log, "2026-11-22T10:00:00Z text", with its time as time_text() shows it.
[[nodiscard]] std::string log_line_text(std::string_view line, const Drawing& drawing);

/// "holdfast: doing subject: cause", and "  hint: …" on the next line; every byte is made printable. With `width` both
/// wrap at spaces, never inside a command of the hint.
[[nodiscard]] std::string error_text(const Error& error, std::optional<std::size_t> width = {});

class Terminal {
 public:
  struct Traits {
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    bool colour = false;  ///< allowed; a stream uses it only when it is a terminal
    bool utf8 = false;
    bool capable = false;  ///< TERM names a terminal with cursor control
  };
  explicit Terminal(Traits traits) : traits_(traits) {}

  /// From isatty(3), NO_COLOR (https://no-color.org), TERM and the locale's variables.
  [[nodiscard]] static Terminal of_process();

  void set_quiet(bool quiet) noexcept { quiet_ = quiet; }
  void set_verbose(bool verbose) noexcept { verbose_ = verbose; }
  [[nodiscard]] bool is_verbose() const noexcept { return verbose_; }
  [[nodiscard]] bool colours_out() const noexcept { return traits_.colour && traits_.out_is_terminal; }
  [[nodiscard]] bool out_is_terminal() const noexcept { return traits_.out_is_terminal; }
  /// Standard output is a terminal with cursor control.
  [[nodiscard]] bool redraws() const noexcept { return traits_.out_is_terminal && traits_.capable; }
  /// For standard output, with the width that the terminal has now.
  [[nodiscard]] Drawing drawing() const;

  void answer(std::string_view text);  ///< stdout, adds a missing line break; a terminal gets it without_controls()
  void note(std::string_view line);    ///< stderr; not with -q
  void detail(std::string_view line);  ///< stderr; only with -v
  void warn(std::string_view line);    ///< stderr: "holdfast: warning: …"
  void error(const Error& error);      ///< stderr
  // Steps of an operation, on stderr. Not with -q.
  void step_done(std::string_view step, std::string_view figure);
  void step_warned(std::string_view step, std::string_view reason);
  void step_failed(std::string_view step);

  /// Flushes stdout. False when the answer could not be written (a full disk, a closed pipe).
  [[nodiscard]] bool flush();
  /// False when the reader of standard output has closed it.
  [[nodiscard]] static bool is_read();
  /// After flush() was false: the reader closed the pipe (`| head`). That is no failure.
  [[nodiscard]] bool reader_has_gone() const noexcept { return reader_has_gone_; }

 private:
  void print_step(Style style, std::string_view mark, std::string_view prefix, std::string_view step,
                  std::string_view figure);
  void to_stderr(std::string_view text);
  void to_stdout(std::string_view text);
  [[nodiscard]] std::optional<std::size_t> err_width() const;

  Traits traits_;
  bool quiet_ = false;
  bool verbose_ = false;
  bool reader_has_gone_ = false;
};

}  // namespace holdfast::cli
