#include "core/error.hpp"

#include "core/text.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast {

Error::Error(std::string doing_, std::string subject_, std::string cause_, std::string hint_, ExitStatus status_)
    : doing(std::move(doing_)),
      subject(std::move(subject_)),
      cause(std::move(cause_)),
      hint(std::move(hint_)),
      status(status_) {}

std::string Error::line() const {
  std::string text = doing;
  if (!subject.empty()) text += (text.empty() ? "" : " ") + subject;
  if (!cause.empty()) text += (text.empty() ? "" : ": ") + cause;
  return printable(text);
}

std::string Error::class_text() const {
  if (!failure.empty()) return failure;
  switch (status) {
    case ExitStatus::usage:
      return "usage";
    case ExitStatus::no_such_tunnel:
      return "no-such-tunnel";
    case ExitStatus::no_backend:
      return "no-backend";
    case ExitStatus::interrupted:
      return "interrupted";
    case ExitStatus::done:
    case ExitStatus::failed:
    case ExitStatus::not_up:
      break;
  }
  return "failed";
}

Error usage_error(std::string subject, std::string cause, std::string hint) {
  return Error{"reading", std::move(subject), std::move(cause), std::move(hint), ExitStatus::usage};
}

std::string errno_text(int error_number) {
  std::array<char, 128> buffer;
  std::string text = ::strerror_r(error_number, buffer.data(), buffer.size());
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

Error errno_error(std::string doing, std::string subject, int error_number) {
  std::string hint;
  if (error_number == ENOSPC || error_number == EDQUOT) hint = "free some space, or ask for a larger quota";
  Error error{std::move(doing), std::move(subject), errno_text(error_number), std::move(hint)};
  error.error_number = error_number;
  return error;
}

}  // namespace holdfast
