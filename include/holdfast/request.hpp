// What a tunnel is to be like, and who watches while it is made.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
inline namespace v0 {

/// The options of `holdfast setup`, by their names there; a Failure names them so. Values are texts and are checked:
/// none is ever read by a shell. Of the environment's variables HOLDFAST_BACKENDS alone counts, which narrows `auto`.
struct Request {
  std::vector<std::string> ports;        ///< "[BIND:]PORT[:HOST:HOSTPORT]", at least one; "2222" leads to port 22 here
  std::vector<std::string> bastions;     ///< "[USER@]HOST[:PORT]", at least one; the first that is well is used
  std::optional<std::string> name;       ///< without it the first port
  std::optional<std::string> identity;   ///< the private key's file; without it what ssh itself would use
  std::string backend = "auto";          ///< what keeps it running: the strongest that works here, or one by name
  std::string engine = "native";         ///< or "autossh"
  std::optional<std::string> host;       ///< "any": every host of a shared home may have it
  std::optional<std::string> run_as;     ///< system scope: the ordinary user it runs as; SUDO_USER without it
  std::vector<std::string> ssh_options;  ///< "KEY=VALUE", each one more -o for ssh
  bool accept_new_host_key = false;      ///< pin the bastion's host key if it is unknown
  bool preflight = true;                 ///< check the way to the bastion before anything is changed
  bool takeover = false;                 ///< a command on the bastion may end a stale session of this tunnel's
};

/// What happened meanwhile.
struct Step {
  enum class Kind {
    done,     ///< a step; `more` is a figure to it
    warned,   ///< a step that is not quite right; `more` says why
    failed,   ///< a step; the Failure that follows says why
    note,     ///< a sentence
    detail,   ///< a sentence for who looks closely
    warning,  ///< a sentence
  };
  Kind kind;
  std::string_view what;  ///< only valid during the call; may quote any byte of a stranger's
  std::string_view more;  ///< may be empty
};

/// Both are optional, and are called on the thread that called the library. What they throw cancels the call, and
/// leaves it when all is undone; thrown when all was done, it leaves the call and undoes nothing.
struct Watch {
  std::function<void(const Step&)> on_step;
  /// Asked every few milliseconds while the library waits: true cancels.
  std::function<bool()> is_cancelled;
};

}  // namespace v0
}  // namespace holdfast
