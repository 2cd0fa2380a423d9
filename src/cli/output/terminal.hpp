// What a person sees: the answer on stdout, everything else on stderr, colour only on a terminal.
#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>

namespace holdfast::cli {

enum class Style { plain, bold, dim, green, yellow, red };

/// `text` with the escape sequences of `style` around it, if `colour`.
[[nodiscard]] std::string paint(Style style, std::string_view text, bool colour);

/// "holdfast: doing subject: cause", and "  hint: …" below where there is one; every byte made printable.
[[nodiscard]] std::string error_text(const Error& error);

class Terminal {
 public:
  struct Traits {
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    bool colour = false;  ///< wanted at all; each stream has it only when it is a terminal
    bool utf8 = false;
    bool capable = false;  ///< moves its cursor
  };
  explicit Terminal(Traits traits) : traits_(traits) {}

  /// From isatty(3), NO_COLOR (https://no-color.org), TERM and the locale's variables.
  [[nodiscard]] static Terminal of_process();

  void set_quiet(bool quiet) noexcept { quiet_ = quiet; }
  void set_verbose(bool verbose) noexcept { verbose_ = verbose; }
  [[nodiscard]] bool is_verbose() const noexcept { return verbose_; }
  [[nodiscard]] bool colours_out() const noexcept { return traits_.colour && traits_.out_is_terminal; }
  [[nodiscard]] bool speaks_utf8() const noexcept { return traits_.utf8; }
  /// Standard output can be drawn on: TERM names a terminal that does more than print.
  [[nodiscard]] bool redraws() const noexcept { return traits_.out_is_terminal && traits_.capable; }
  [[nodiscard]] bool out_is_terminal() const noexcept { return traits_.out_is_terminal; }

  void answer(std::string_view text);  ///< stdout, as it is, with a line break if it has none
  void note(std::string_view line);    ///< stderr; not with -q
  void detail(std::string_view line);  ///< stderr; only with -v
  void warn(std::string_view line);    ///< stderr, "holdfast: warning: …"
  void step_done(std::string_view what, std::string_view figure);    ///< one tick, or one plain line; not with -q
  void step_warned(std::string_view what, std::string_view reason);  ///< the same for what is not quite right
  void step_failed(std::string_view what);                           ///< also with -q no more than the error itself
  void error(const Error& error);

  /// Flushes stdout; false when the answer could not be written (a full disk, a closed pipe).
  [[nodiscard]] bool flush();
  /// False when the reader of standard output has gone: else it would not be noticed before there is something to say.
  [[nodiscard]] static bool is_read();
  /// After flush() was false: whoever read it has seen enough and went away (`| head`), which is no failure of ours.
  [[nodiscard]] bool reader_has_gone() const noexcept { return reader_has_gone_; }

 private:
  void step(Style style, std::string_view mark, std::string_view word, std::string_view what, std::string_view figure);
  void to_stderr(std::string_view line);
  void to_stdout(std::string_view text);

  Traits traits_;
  bool quiet_ = false;
  bool verbose_ = false;
  bool reader_has_gone_ = false;
};

}  // namespace holdfast::cli
