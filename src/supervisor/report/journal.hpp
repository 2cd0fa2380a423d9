// One line in the system's journal for each time that the tunnel comes up or goes down.
#pragma once

#include "os/host.hpp"
#include "supervisor/machine/view.hpp"

#include <optional>
#include <string>

namespace holdfast::supervisor {

struct JournalLine {
  int priority;  ///< of syslog(3)
  std::string text;
  bool operator==(const JournalLine&) const = default;
};

/// Which changes of the state are worth a line. Attempts that fail for the same reason are not.
class Transitions {
 public:
  /// `ports`: the tunnel, as "127.0.0.1:2222 of gate@bastion".
  [[nodiscard]] std::optional<JournalLine> next(const View& view, TimePoint now, const std::string& ports);

 private:
  enum class Kind { none, up, degraded, down, failed, standby, stopped };
  [[nodiscard]] static Kind kind_of(const View& view) noexcept;
  [[nodiscard]] std::string duration(TimePoint now) const;
  [[nodiscard]] JournalLine line_of(Kind kind, const View& view, TimePoint now, const std::string& ports) const;

  Kind kind_ = Kind::none;  ///< of the last line
  std::optional<FailureClass> failure_;
  std::uint64_t errors_ = 0;        ///< View::errors at the last line
  std::optional<TimePoint> since_;  ///< it works, or does not work, since then
};

/// Standard error, when systemd connected it to its journal: JOURNAL_STREAM, systemd.exec(5). Else it does nothing.
class Journal {
 public:
  explicit Journal(const os::Host& host);
  void publish(const View& view, TimePoint now, const std::string& ports);

 private:
  bool is_connected_;
  Transitions transitions_;
};

}  // namespace holdfast::supervisor
