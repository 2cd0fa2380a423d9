// Setting a tunnel up: all of it, or nothing.
#pragma once

#include "backends/plan/apply.hpp"
#include "ssh/client/arguments.hpp"
#include "store/installation_record.hpp"
#include "tunnels/control.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/backend_choice.hpp"
#include "tunnels/setup/previous_tunnel.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// What setup came to.
struct SetupOutcome {
  bool changed = true;
  std::chrono::milliseconds took{0};         ///< from the start of the job to up
  std::optional<Diagnosis> unverified = {};  ///< up, but not verified end to end, and why
  bool standing_by = false;                  ///< host = any: another host has the port
};

/// One setup, from the request to a tunnel that is up. On any failure what was done is undone, and a former tunnel of
/// that name runs again if it ran before.
class Setup {
 public:
  /// Both outlive it.
  Setup(os::Host& host, Observer& observer, SetupRequest request);

  /// Does it.
  [[nodiscard]] Result<SetupOutcome> run();
  /// Every file and command of run(), as text; changes nothing.
  [[nodiscard]] Result<std::vector<std::string>> plan();
  /// After either: the tunnel as it is, or would be.
  [[nodiscard]] const Tunnel& tunnel() const { return *tunnel_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  // What is there, and what is wanted (setup.cpp)
  [[nodiscard]] Result<> look_around();
  [[nodiscard]] Result<Tunnel> wanted(const backends::Backend& backend, const fs::path& runtime_dir) const;
  [[nodiscard]] Result<bool> is_in_place();
  /// plan() where a tunnel that runs is all that is wanted, or has to be told of other forwards and no more.
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> plan_in_place();
  [[nodiscard]] Result<std::string> tunnel_text() const;
  [[nodiscard]] Result<backends::Plan> install_plan() const;
  [[nodiscard]] InstalledJob installed_job() const;
  [[nodiscard]] Result<fs::path> runtime_directory_for(const backends::Backend& backend, bool make) const;
  [[nodiscard]] Result<std::vector<backends::AssessedBackend>> find_choice();
  [[nodiscard]] Survives survives_here(const backends::AssessedBackend& assessed) const;
  void tell_choice();

  // Checks before anything is changed (setup_preflight.cpp)
  [[nodiscard]] Result<> preflight(const fs::path& lock_directory);
  [[nodiscard]] Result<std::optional<Diagnosis>> check_bastion(const Tunnel& tunnel, std::size_t at,
                                                               const fs::path& scratch_directory);

  // Handing the former tunnel over to another backend (setup_hand_over.cpp)
  [[nodiscard]] Result<bool> is_held_by(const backends::Backend& backend) const;
  [[nodiscard]] bool hands_over() const;
  [[nodiscard]] Result<> note_hand_over(const backends::Backend& successor);
  [[nodiscard]] Result<> hand_over();
  [[nodiscard]] backends::Plan take_pidfile() const;
  [[nodiscard]] Result<backends::Plan> start_plan_beside_previous() const;
  void take_back(std::vector<std::string>& leftovers);
  [[nodiscard]] Result<> forget_hand_over();

  // Other forwards for a tunnel that runs (setup_in_place.cpp)
  /// The one file to be written where nothing else has to change; tunnel_ and backend_ are set then.
  [[nodiscard]] Result<std::optional<backends::Step>> find_forwards_change();
  [[nodiscard]] Result<bool> change_forwards();
  [[nodiscard]] Result<> await_change();

  // The engine autossh: can it be used, and what --dry-run says of it (setup_engine.cpp)
  [[nodiscard]] Result<> check_engine();
  [[nodiscard]] std::vector<std::string> engine_lines() const;

  // Changes (setup_install.cpp)
  [[nodiscard]] Result<> change_host();
  [[nodiscard]] Result<> choose_backend();
  [[nodiscard]] Result<> replace_previous();
  [[nodiscard]] Result<> install();
  [[nodiscard]] Result<> start();
  [[nodiscard]] Result<> see_it_up(TimePoint since);
  [[nodiscard]] Result<> record_changes();
  [[nodiscard]] bool is_others_too(const backends::Backend& backend) const;
  [[nodiscard]] Result<> forget_previous_name(store::LingerUse& use, std::vector<std::string>& report);
  [[nodiscard]] Result<> apply(const backends::Plan& plan);
  [[nodiscard]] std::string doing() const { return request_.move ? "moving" : "setting up"; }
  [[nodiscard]] Result<> stay();
  [[nodiscard]] bool needs_linger() const;
  [[nodiscard]] Error undo(Error error);

  os::Host& host_;
  Observer& observer_;
  SetupRequest request_;
  PreviousTunnel previous_;
  std::optional<ssh::Client> client_;
  std::optional<fs::path> autossh_;  ///< when that is the engine
  std::vector<backends::AssessedBackend> assessed_backends_;
  std::vector<PassedOver> passed_over_;
  bool was_lingering_ = false;

  const backends::Backend* backend_ = nullptr;
  Survives survives_;
  std::optional<Tunnel> tunnel_;
  std::optional<std::string> pin_;  ///< what NAME.known_hosts is to say: a host key accepted now

  bool undone_ = false;
  bool handing_over_ = false;  ///< the new one is there, or about to be, and waits for its turn
  bool replacing_ = false;     ///< the former tunnel is being stopped: from here on the new one may run
  backends::Applied applied_;
  SetupOutcome outcome_;
};

}  // namespace holdfast::tunnels
