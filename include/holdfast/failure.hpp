// Why a call failed.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace holdfast {
inline namespace v0 {

/// Thrown by every call that fails. set_up() first undoes its changes. A tunnel that start() or restart() started keeps
/// trying, even if it is not up in time or the call was cancelled. what() is one line to show to users, "doing subject:
/// cause", with control bytes escaped.
class Failure : public std::runtime_error {
 public:
  enum class Reason {
    failed,          ///< the machine, the bastion or the network; kind() says more
    usage,           ///< an invalid value; nothing was changed
    not_up,          ///< started but not up in time; it keeps trying
    no_such_tunnel,  ///< no tunnel of that name
    no_backend,      ///< no backend on this machine is usable
    cancelled,       ///< Watch::is_cancelled returned true
  };

  Failure(Reason reason, std::string kind, const std::string& line, std::string hint)
      : std::runtime_error(line), reason_(reason), kind_(std::move(kind)), hint_(std::move(hint)) {}

  Reason reason() const noexcept { return reason_; }
  /// The class, as in `holdfast --json`: "auth", "host-key-unknown", "forward-busy" … (holdfast(1), DIAGNOSTICS).
  /// Without one, the name of the reason: "usage", "no-such-tunnel".
  const std::string& kind() const noexcept { return kind_; }
  /// A command or setting that may help; may be empty.
  const std::string& hint() const noexcept { return hint_; }

 private:
  Reason reason_;
  std::string kind_;
  std::string hint_;
};

}  // namespace v0
}  // namespace holdfast
