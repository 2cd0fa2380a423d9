// A tunnel's configuration. A Tunnel object is always valid.
#pragma once

#include "core/destination.hpp"
#include "core/forward.hpp"
#include "core/result.hpp"
#include "core/tunnel_name.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast {

enum class Engine { native, autossh };
enum class Scope { user, system };

[[nodiscard]] std::string_view to_text(Engine engine) noexcept;
[[nodiscard]] std::string_view to_text(Scope scope) noexcept;

/// The value of `host` for a tunnel that any host of a shared home may run. The host that gets the bastion's port runs
/// it.
inline constexpr std::string_view k_any_host = "any";

/// One `-o KEY=VALUE` from the user. The key consists of letters and digits; the value has no control bytes.
struct SshOption {
  std::string key;
  std::string value;
  bool operator==(const SshOption&) const = default;
  /// Parses "KEY=VALUE". A usage error for an option that holdfast enforces.
  [[nodiscard]] static Result<SshOption> parse(std::string_view text);
};

/// True for an ssh option that holdfast sets itself and does not let the user change. Case does not matter.
[[nodiscard]] bool is_enforced_ssh_option(std::string_view key) noexcept;

inline constexpr std::chrono::seconds k_usual_keepalive(5);

/// The fields of a Tunnel, as read from a file or a command line. Each is valid by itself; Tunnel::make() checks them
/// together.
struct TunnelSpec {
  TunnelName name;
  Destination bastion;
  std::vector<Forward> forwards;                         ///< at least one; listening ends differ
  std::optional<boost::filesystem::path> identity = {};  ///< absolute
  std::string backend = "auto";                          ///< a backend's name, or "auto" before setup has chosen
  Engine engine = Engine::native;
  std::string host = {};     ///< the host it belongs to, or "any"; empty: not yet known
  std::string machine = {};  ///< store::machine_mark of that host, which stays when its name changes
  std::vector<SshOption> ssh_options = {};
  std::optional<std::string> run_as = {};                   ///< system scope: the ordinary user it runs as
  std::optional<boost::filesystem::path> known_hosts = {};  ///< the file in which setup has pinned a host key
  std::optional<boost::filesystem::path> runtime_dir = {};  ///< of socket, lock and live state; chosen by setup
  std::chrono::seconds probe_interval{60};                  ///< 10 s .. 1 h
  std::chrono::seconds keepalive = k_usual_keepalive;  ///< 5 s .. 5 min, until the kernel probes a quiet connection
  std::optional<std::chrono::seconds> spread = {};     ///< 0 s .. 6 s, of the logins after a return of the bastion
  std::vector<Destination> fallbacks = {};             ///< used in this order while `bastion` is down
  bool takeover = false;           ///< may run a command on the bastion that ends our stale session there
  bool allow_target_down = false;  ///< a target may start later: setup, start and restart do not wait for it
  bool operator==(const TunnelSpec&) const = default;
};

class Tunnel {
 public:
  /// Checks the fields against each other. A usage error names the key.
  [[nodiscard]] static Result<Tunnel> make(TunnelSpec spec);

  [[nodiscard]] const TunnelSpec* operator->() const noexcept { return &spec_; }
  [[nodiscard]] const TunnelSpec& spec() const noexcept { return spec_; }
  bool operator==(const Tunnel&) const = default;

  /// The number of bastions: the first and its fallbacks.
  [[nodiscard]] std::size_t bastions() const noexcept { return 1 + spec_.fallbacks.size(); }
  [[nodiscard]] const Destination& bastion(std::size_t at) const;
  /// The same tunnel with only that bastion.
  [[nodiscard]] Tunnel via_bastion(std::size_t bastion) const;
  /// True when a forward's target is a host name, so that ssh must ask a resolver for it.
  [[nodiscard]] bool has_named_target() const;

 private:
  explicit Tunnel(TunnelSpec spec) : spec_(std::move(spec)) {}
  TunnelSpec spec_;
};

/// "FIRST, SECOND, …"
[[nodiscard]] std::string bastions_text(const Destination& first, const std::vector<Destination>& fallbacks);

/// Makes the path of an identity file absolute: expands a leading "~/" to `home`; a relative path starts at
/// `directory`. A usage error for control bytes and an empty path.
[[nodiscard]] Result<boost::filesystem::path> resolve_identity(std::string_view text,
                                                               const boost::filesystem::path& home,
                                                               const boost::filesystem::path& directory);

}  // namespace holdfast
