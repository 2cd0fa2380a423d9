// Finds units, crontab lines and start-up file lines that start autossh. Reads only.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "tunnels/import/legacy_entry.hpp"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

class LegacySearch {
 public:
  /// `scope`: user searches the caller's own units, crontab and start-up files; system searches the machine's.
  LegacySearch(Scope scope, const os::Host& host) : scope_(scope), host_(host) {}

  /// Every entry of the scope. A crontab or file that cannot be read is skipped.
  [[nodiscard]] Result<std::vector<LegacyEntry>> everything() const;

  /// Crontab lines only. In the user scope an unreadable crontab is an Error.
  [[nodiscard]] Result<std::vector<LegacyEntry>> crontabs() const;

  /// The unit of that name, or the entries of a file given by its path. An Error when it holds none, or belongs to the
  /// other scope.
  [[nodiscard]] Result<std::vector<LegacyEntry>> named(const std::string& unit_or_file) const;

  /// In the user scope: "; UNIT belongs to root: sudo holdfast import" when the machine has entries. Else empty.
  [[nodiscard]] std::string hint_at_system_scope() const;

 private:
  [[nodiscard]] bool is_system() const { return scope_ == Scope::system; }
  [[nodiscard]] fs::path unit_directory() const;
  [[nodiscard]] Result<std::vector<LegacyEntry>> units() const;
  [[nodiscard]] Result<LegacyEntry> unit(const std::string& name) const;
  [[nodiscard]] Result<std::vector<LegacyEntry>> own_crontab() const;
  [[nodiscard]] std::vector<LegacyEntry> roots_crontab() const;
  [[nodiscard]] std::vector<LegacyEntry> system_crontabs() const;
  [[nodiscard]] std::vector<LegacyEntry> startup_files() const;
  [[nodiscard]] std::function<Result<std::string>(const std::string& user)> home_of() const;

  Scope scope_;
  const os::Host& host_;
};

}  // namespace holdfast::tunnels
