// Why a call failed.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace holdfast {
inline namespace v0 {

/// Thrown by every call of the library that does not do what it was asked for. What set_up() had begun is undone then;
/// a tunnel that start() or restart() has started, and that is not up in time or was cancelled, goes on trying. Its
/// what() is one line, "doing subject: cause", with control bytes escaped: fit to be shown.
class Failure : public std::runtime_error {
 public:
  enum class Reason {
    failed,          ///< the machine, the bastion or the network; kind() says more
    usage,           ///< a value that cannot be meant; nothing was touched
    not_up,          ///< started, and not up in time; it goes on trying
    no_such_tunnel,  ///< none of that name
    no_backend,      ///< nothing on this machine can hold a tunnel
    cancelled,       ///< Watch::is_cancelled said so
  };

  Failure(Reason reason, std::string kind, const std::string& line, std::string hint)
      : std::runtime_error(line), reason_(reason), kind_(std::move(kind)), hint_(std::move(hint)) {}

  Reason reason() const noexcept { return reason_; }
  /// The class as `holdfast --json` has it: "auth", "host-key-unknown", "forward-busy" … (holdfast(1), DIAGNOSTICS), or
  /// else a word for reason(): "usage", "no-such-tunnel".
  const std::string& kind() const noexcept { return kind_; }
  /// One command or setting that helps; may be empty.
  const std::string& hint() const noexcept { return hint_; }

 private:
  Reason reason_;
  std::string kind_;
  std::string hint_;
};

}  // namespace v0
}  // namespace holdfast
