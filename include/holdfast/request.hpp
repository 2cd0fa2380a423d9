// The settings of a tunnel, and callbacks to watch its setup.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
inline namespace v0 {

/// The options of `holdfast setup`, by the same names as there and in a Failure. All values are validated, and none is
/// ever passed to a shell. Of the environment variables only HOLDFAST_BACKENDS counts, which restricts `auto`.
struct Request {
  std::vector<std::string> ports;     ///< "[BIND:]PORT[:HOST:HOSTPORT]", at least one; "2222" forwards to port 22 here
  std::vector<std::string> bastions;  ///< "[USER@]HOST[:PORT]", at least one; the first one that works is used
  std::optional<std::string> name;    ///< default: the first port
  std::optional<std::string> identity;   ///< the file of the private key; default: the keys of ssh
  std::string backend = "auto";          ///< "auto" for the most durable one that works here, or a name
  std::string engine = "native";         ///< or "autossh"
  std::optional<std::string> host;       ///< "any": any host of a shared home may run it
  std::optional<std::string> run_as;     ///< system scope: the user that it runs as; default: SUDO_USER
  std::vector<std::string> ssh_options;  ///< "KEY=VALUE", passed to ssh with -o
  bool accept_new_host_key = false;      ///< pin an unknown host key of the bastion
  bool preflight = true;                 ///< check the connection to the bastion before any change
  bool takeover = false;                 ///< allow a command on the bastion to end a stale session of this tunnel
  bool allow_target_down = false;        ///< a target may start later: its forward is open and waits for it
};

/// A progress report.
struct Step {
  enum class Kind {
    done,     ///< a completed step; `more` is a detail
    warned,   ///< a step with a problem; `more` is the reason
    failed,   ///< a failed step; the Failure has the reason
    note,     ///< a sentence
    detail,   ///< a sentence for verbose output
    warning,  ///< a sentence
  };
  Kind kind;
  std::string_view what;  ///< valid only during the call; may contain any byte
  std::string_view more;  ///< may be empty
};

/// Both callbacks are optional and run on the calling thread. An exception from one cancels the call and propagates
/// after the changes are undone; after the last change it propagates without undoing anything.
struct Watch {
  std::function<void(const Step&)> on_step;
  /// Called every few milliseconds while the library waits; true cancels.
  std::function<bool()> is_cancelled;
};

}  // namespace v0
}  // namespace holdfast
