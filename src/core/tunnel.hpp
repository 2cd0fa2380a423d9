// A tunnel as the user wants it: valid, or it does not exist.
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

/// In place of a host's name: every host of a shared home may have the tunnel, and the bastion's port decides.
inline constexpr std::string_view k_any_host = "any";

/// One `-o KEY=VALUE` of the user's. The key is a word of letters and digits, the value has no control bytes.
struct SshOption {
  std::string key;
  std::string value;
  bool operator==(const SshOption&) const = default;
  /// From "KEY=VALUE"; refuses the options holdfast enforces, and says so.
  [[nodiscard]] static Result<SshOption> parse(std::string_view text);
};

/// True when holdfast sets this ssh option itself and will not let it be changed (case does not matter).
[[nodiscard]] bool is_enforced_ssh_option(std::string_view key) noexcept;

/// The raw material of a Tunnel: what a file or a command line says, every field already a valid value.
struct TunnelSpec {
  TunnelName name;
  Destination bastion;
  std::vector<Forward> forwards;                         ///< at least one; no two listen alike
  std::optional<boost::filesystem::path> identity = {};  ///< absolute
  std::string backend = "auto";                          ///< a backend's name, or "auto" before setup has chosen
  Engine engine = Engine::native;
  std::string host = {};     ///< the host it belongs to, or "any"; empty: not yet said
  std::string machine = {};  ///< that host's mark (store::machine_mark), to know it again under another name
  std::vector<SshOption> ssh_options = {};
  std::optional<std::string> run_as = {};                   ///< system scope: the ordinary user it runs as
  std::optional<boost::filesystem::path> known_hosts = {};  ///< where setup pinned a host key of its own
  std::optional<boost::filesystem::path> runtime_dir = {};  ///< where socket, lock and live state are; chosen at setup
  std::chrono::seconds probe_interval{60};                  ///< 10 s .. 1 h
  std::vector<Destination> fallbacks = {};  ///< bastions to go to while `bastion` is down, the best first
  bool takeover = false;                    ///< a command on the bastion may end our own stale session there
  bool operator==(const TunnelSpec&) const = default;
};

class Tunnel {
 public:
  /// Checks what holds between the fields; a usage error names the key.
  [[nodiscard]] static Result<Tunnel> make(TunnelSpec spec);

  [[nodiscard]] const TunnelSpec* operator->() const noexcept { return &spec_; }
  [[nodiscard]] const TunnelSpec& spec() const noexcept { return spec_; }
  bool operator==(const Tunnel&) const = default;

  /// The first and its fallbacks.
  [[nodiscard]] std::size_t bastions() const noexcept { return 1 + spec_.fallbacks.size(); }
  [[nodiscard]] const Destination& bastion(std::size_t at) const;
  /// The same tunnel by way of that bastion alone.
  [[nodiscard]] Tunnel via_bastion(std::size_t bastion) const;

 private:
  explicit Tunnel(TunnelSpec spec) : spec_(std::move(spec)) {}
  TunnelSpec spec_;
};

/// "FIRST, SECOND, …"
[[nodiscard]] std::string bastions_text(const Destination& first, const std::vector<Destination>& fallbacks);

/// An identity file as the user named it, made absolute: a leading "~/" is `home`, once; a relative path hangs on
/// `directory`. Refuses control bytes and an empty path.
[[nodiscard]] Result<boost::filesystem::path> resolve_identity(std::string_view text,
                                                               const boost::filesystem::path& home,
                                                               const boost::filesystem::path& directory);

}  // namespace holdfast
