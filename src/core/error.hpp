// What went wrong, as a value: shown to a person as one line and a hint.
#pragma once

#include <string>

namespace holdfast {

/// Exit statuses of the program; they are part of its promise to scripts.
enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  not_up = 3,
  no_such_tunnel = 4,
  no_backend = 5,
  interrupted = 130,
};

/// An expected failure. Texts are lower case, without a full stop, and may hold
/// hostile bytes: whoever prints them escapes them (core/text.hpp).
struct Error {
  // Not an aggregate: Result<std::string> could not tell a value from an Error otherwise (C++20 parenthesized init).
  Error() = default;
  Error(std::string doing_, std::string subject_, std::string cause_, std::string hint_ = {},
        ExitStatus status_ = ExitStatus::failed);

  std::string doing;    ///< what was being done, a gerund: "reading"
  std::string subject;  ///< to what: a path, a tunnel, a bastion; may be empty
  std::string cause;    ///< why it failed, in plain words
  std::string hint;     ///< one command or setting that helps; may be empty
  ExitStatus status = ExitStatus::failed;
  std::string failure = {};  ///< its class where it was diagnosed (core/failure.hpp): "forward-busy"; may be empty

  /// "doing subject: cause", control bytes escaped, no program name, no hint.
  [[nodiscard]] std::string line() const;

  /// `failure`, or else a word for `status`: "usage", "no-such-tunnel", "no-backend", "interrupted", "failed".
  [[nodiscard]] std::string class_text() const;
};

/// A usage error (exit status 2): `doing` is "reading", `subject` names the option or key.
[[nodiscard]] Error usage_error(std::string subject, std::string cause, std::string hint = {});

/// The plain words for an errno value: "permission denied", "no space left on device".
[[nodiscard]] std::string errno_text(int error_number);

/// An error from errno: "doing subject: <words of error_number>".
[[nodiscard]] Error errno_error(std::string doing, std::string subject, int error_number);

}  // namespace holdfast
