// Replaces legacy autossh tunnels with holdfast tunnels, one by one. A legacy tunnel ends only for a successor that is
// verified end to end; when that fails, it is restored byte for byte.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/import/legacy_entry.hpp"
#include "tunnels/import/legacy_tunnel.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::tunnels {

struct ImportRequest {
  store::Paths paths;
  std::vector<std::string> sources = {};  ///< units and files by name; none: all that LegacySearch finds
  bool crontab = false;                   ///< search crontabs, and nothing else but `sources`
  std::optional<std::string> name = {};   ///< of the tunnel; allowed for one source only
  std::string backend = "auto";           ///< from read_backend()
  std::vector<std::string> only_backends = {};
  std::optional<std::string> run_as = {};  ///< system scope; overrides the user that the source names
  bool accept_new_host_key = false;
  bool dry_run = false;
};

/// The result for one legacy entry.
struct Imported {
  enum class Outcome { imported, planned, refused, failed };

  LegacyEntry source;
  Outcome outcome = Outcome::refused;  ///< refused: nothing changed. failed: every change is undone.
  std::optional<std::string> name = {};
  std::optional<Error> error = {};
  std::vector<std::string> notes = {};  ///< planned: every file and command
  [[nodiscard]] bool is_ok() const { return outcome == Outcome::imported || outcome == Outcome::planned; }
};

/// "imported", "planned", "refused", "failed".
[[nodiscard]] std::string_view to_text(Imported::Outcome outcome) noexcept;

class Import {
 public:
  Import(os::Host& host, Observer& observer, ImportRequest request)
      : host_(host), observer_(observer), request_(std::move(request)) {}

  /// The entries that the request is about. A usage error for options that don't fit them.
  [[nodiscard]] Result<std::vector<LegacyEntry>> find() const;

  /// Replaces one of them, or plans to (dry_run).
  [[nodiscard]] Imported replace(LegacyEntry entry);

 private:
  [[nodiscard]] Result<SetupRequest> setup_request(const LegacyEntry& source) const;
  [[nodiscard]] Result<os::User> find_run_as(const LegacyEntry& source) const;
  [[nodiscard]] Result<> check_source(Imported& result, std::optional<SetupRequest>& request, bool& exists) const;
  [[nodiscard]] Result<> change(Imported& result, SetupRequest request, bool exists);
  [[nodiscard]] Result<> plan(Imported& result, const SetupRequest& request, const LegacyTunnel& legacy);
  [[nodiscard]] Result<> retire_duplicate(Imported& result, const SetupRequest& request, LegacyTunnel& legacy);
  [[nodiscard]] Result<> set_up_successor(Imported& result, SetupRequest request, LegacyTunnel& legacy);
  [[nodiscard]] Error restored(Error error, const std::string& where, LegacyTunnel& legacy);

  os::Host& host_;
  Observer& observer_;
  ImportRequest request_;
};

}  // namespace holdfast::tunnels
