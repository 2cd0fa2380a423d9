// The common base of nohup, cron, tmux and screen: the job is one process, which a pidfile identifies.
#pragma once

#include "backends/backend.hpp"
#include "backends/pidfile.hpp"

namespace holdfast::backends {

[[nodiscard]] fs::path pidfile_of(const Job& job);

/// A backend of the user scope that does not restart its job itself; `ensure` does. `stop` leaves a mark
/// (host/stop_mark.hpp), so that `ensure` does not start the tunnel again.
class PidfileBackend : public Backend {
 public:
  [[nodiscard]] Scope scope() const noexcept override { return Scope::user; }
  [[nodiscard]] bool restarts_job() const noexcept override { return false; }

  [[nodiscard]] Result<Plan> prove(const Job&, const os::Host&) const override { return Plan{}; }
  [[nodiscard]] Result<Plan> install(const Job&, const os::Host&) const override { return Plan{}; }
  [[nodiscard]] Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths,
                                    const os::Host& host) const override;
  [[nodiscard]] Result<Plan> start(const Job& job, const os::Host& host) const override;
  [[nodiscard]] Result<Plan> stop(const Job& job, const os::Host& host) const override;
  [[nodiscard]] Result<Plan> restart(const Job& job, const os::Host& host) const override;
  /// A tunnel is installed when its tunnel file exists. Runs no command.
  [[nodiscard]] Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override;

 private:
  /// Starts the process and writes its pidfile.
  [[nodiscard]] virtual Result<Plan> start_process(const Job& job, const os::Host& host) const;
  /// Removes the session that an ended process may leave behind.
  [[nodiscard]] virtual Plan clean_up(const Job&, const os::Host&) const { return {}; }

  Result<> append_start(Plan& plan, const Job& job, const os::Host& host) const;
};

}  // namespace holdfast::backends
