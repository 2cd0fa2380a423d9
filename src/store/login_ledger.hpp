// The logins of all tunnels of a user to one bastion. A bastion that bans (fail2ban and its like) counts the refused
// ones of a machine, not of a tunnel. The tunnels of a user share one file in their runtime directory. In the system
// scope each tunnel has a directory of its own, so a file of its own, and reads those of the others.
#pragma once

#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::store {

/// Has the runtime directories of the system scope.
inline constexpr const char* k_system_runtime_root = "/run/holdfast";

/// At most so many refused logins within each window. fail2ban bans after 5 in 10 min by default.
inline constexpr std::size_t k_refused_in_ten_minutes = 4;
inline constexpr std::size_t k_refused_in_an_hour = 15;

class LoginLedger {
 public:
  /// `bastion`: Destination::text(), with its user.
  LoginLedger(os::Host& host, const boost::filesystem::path& runtime_directory, const std::string& bastion,
              const boost::filesystem::path& system_root = k_system_runtime_root);

  enum class Event {
    begun,
    refused,   ///< The key was.
    accepted,  ///< Forgets the refused logins with that identity.
    ended,     ///< Neither: the bastion was not reached, or the attempt was cut short.
  };
  /// Appends one line. Errors are ignored. `now`: os::since_boot().
  void note(Event event, const std::string& identity, std::chrono::milliseconds now);

  /// How long another login with `identity` must wait. Zero as long as nothing says that it will be refused, too:
  /// `was_refused` (the caller's last login) or two refused ones of other tunnels do. `logins`: so many follow each
  /// other before the caller can end them.
  [[nodiscard]] std::chrono::milliseconds until_login(const std::string& identity, bool was_refused,
                                                      std::chrono::milliseconds now, std::size_t logins = 1) const;

  /// The user asks for an attempt now.
  void forget();

 private:
  /// Ours, and in the system scope those of the other tunnels.
  [[nodiscard]] std::vector<boost::filesystem::path> files() const;

  os::Host& host_;
  boost::filesystem::path file_;
  bool has_siblings_;
};

/// The same for the text of a ledger: lines "BOOT SECONDS PID EVENT IDENTITY-HASH". Those of another boot or of the
/// future are skipped. `self` is the caller: its own attempt under way does not count.
[[nodiscard]] std::chrono::milliseconds until_login(std::string_view ledger, std::string_view boot, pid_t self,
                                                    const std::string& identity, bool was_refused,
                                                    std::chrono::milliseconds now, std::size_t logins = 1);

}  // namespace holdfast::store
