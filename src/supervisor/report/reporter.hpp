// Publishes the tunnel's state: live state, history, uptime record, log, the system's journal, and a status line for
// the service manager and the terminal.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/history.hpp"
#include "store/kept_processes.hpp"
#include "store/live_state.hpp"
#include "store/paths.hpp"
#include "supervisor/machine/view.hpp"
#include "supervisor/report/journal.hpp"
#include "supervisor/report/terminal_line.hpp"
#include "supervisor/report/uptime_recorder.hpp"
#include "supervisor/service_manager.hpp"

#include <boost/filesystem/path.hpp>

#include <map>
#include <optional>
#include <string>

namespace holdfast::supervisor {

namespace fs = boost::filesystem;

class Reporter {
 public:
  Reporter(os::Host& host, const store::Paths& paths, const TunnelName& name, fs::path live_file,
           const ServiceManager& manager);

  /// Call it when the tunnel changed: its bastion and forwards are published from then on.
  void set_tunnel(const Tunnel& tunnel);
  /// The settings that have been applied, with all bastions.
  void set_applied(const Tunnel& tunnel) { live_.settings = store::settings_mark(tunnel); }
  void set_ssh(std::optional<os::ProcessId> ssh) { live_.ssh = std::move(ssh); }
  void set_autossh(std::optional<os::ProcessId> autossh) { live_.autossh = std::move(autossh); }
  /// Where the forwards listen, by LiveForward::listen. Published at once, and logged if it is more than was asked for.
  void set_bounds(std::map<std::string, store::Bound> bounds);
  void set_connection(std::optional<os::TcpPair> connection) { live_.connection = std::move(connection); }

  /// Writes what changed since the last call. Errors (a full disk) are ignored.
  void publish(const View& view);

  /// Writes the live state once more: its file was deleted.
  void publish_again();

  void log(std::string_view line);

 private:
  void apply_bounds();
  void write_live_state();
  void keep_processes();
  [[nodiscard]] std::string transition_line(const View& view) const;
  [[nodiscard]] std::string status_line(const View& view) const;

  os::Host& host_;
  store::Paths paths_;
  TunnelName name_;
  fs::path live_file_;
  mode_t live_mode_;
  const ServiceManager& manager_;
  TerminalLine terminal_;
  Journal journal_;
  store::Log log_;
  store::History history_;
  UptimeRecorder uptime_;
  store::LiveState live_;
  std::map<std::string, store::Bound> bounds_;
  std::string published_;  ///< The live state's text.
  std::optional<store::KeptProcesses> kept_;
  std::string published_status_;  ///< The status line.
  std::uint64_t published_errors_ = 0;
};

}  // namespace holdfast::supervisor
