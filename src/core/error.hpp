// An expected failure as a value, shown to the user as one line and a hint.
#pragma once

#include <string>

namespace holdfast {

/// Exit statuses of the program. Scripts rely on them.
enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  not_up = 3,
  no_such_tunnel = 4,
  no_backend = 5,
  interrupted = 130,
};

/// Texts are lower case, without a full stop. They may contain hostile bytes: escape them before printing
/// (printable()).
struct Error {
  // Not an aggregate: Result<std::string> could not tell a value from an Error otherwise (C++20 parenthesized init).
  Error() = default;
  Error(std::string doing_, std::string subject_, std::string cause_, std::string hint_ = {},
        ExitStatus status_ = ExitStatus::failed);

  std::string doing;    ///< the failed operation, a gerund: "reading"
  std::string subject;  ///< its object: a path, a tunnel, a bastion; may be empty
  std::string cause;    ///< why it failed
  std::string hint;     ///< one command or setting that helps; may be empty
  ExitStatus status = ExitStatus::failed;
  int error_number = 0;      ///< the errno value, if a system call failed
  std::string failure = {};  ///< the FailureClass, if it was diagnosed: "forward-busy"; may be empty

  /// "doing subject: cause", escaped by printable().
  [[nodiscard]] std::string line() const;

  /// `failure` or, if that is empty, "usage", "no-such-tunnel", "no-backend", "interrupted" or "failed" by `status`.
  [[nodiscard]] std::string class_text() const;
};

/// A usage error (exit status 2): `doing` is "reading", `subject` names the option or key.
[[nodiscard]] Error usage_error(std::string subject, std::string cause, std::string hint = {});

/// The text of an errno value, in lower case: "permission denied".
[[nodiscard]] std::string errno_text(int error_number);

/// An Error whose cause is errno_text(error_number).
[[nodiscard]] Error errno_error(std::string doing, std::string subject, int error_number);

}  // namespace holdfast
